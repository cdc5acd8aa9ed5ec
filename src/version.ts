import { readFileSync } from 'node:fs';

interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
}

const manifest = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as Manifest;

/** The package's version, from its manifest: kept in one place. */
export const VERSION: string = manifest.version;

/** The versions of Node.js that it runs on, from there too: `>=20.19`. */
export const NODE_VERSIONS: string = manifest.engines.node;
