import { readFileSync } from 'node:fs';

interface Manifest {
  readonly version: string;
}

/** The package's version, from its manifest: kept in one place. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Manifest
).version;
