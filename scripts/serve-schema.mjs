// @ts-check
/**
 * Writes serve.schema.json, the schema of the configuration of a server, from the flags of
 * `runlet serve`:
 *
 *     node scripts/serve-schema.mjs           writes it
 *     node scripts/serve-schema.mjs --check   fails if it is not what would be written
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const SCHEMA = fileURLToPath(new URL('../serve.schema.json', import.meta.url));
const CACHE = fileURLToPath(new URL('../.cache', import.meta.url));
const SOURCE = fileURLToPath(new URL('../src/cli/serve-config-schema.ts', import.meta.url));

mkdirSync(CACHE, { recursive: true });
const folder = mkdtempSync(join(CACHE, 'serve-schema-'));
try {
  const text = `${JSON.stringify(await schema(), null, 2)}\n`;
  if (!process.argv.includes('--check')) {
    writeFileSync(SCHEMA, text);
  } else if (readFileSync(SCHEMA, 'utf8') !== text) {
    process.stderr.write('serve.schema.json is not current: run `npm run docs:schema`\n');
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** What the sources say now, which need not be built. */
async function schema() {
  const bundle = await rolldown({
    input: { schema: SOURCE },
    platform: 'node',
    external: [/^koffi$/, /^@opentelemetry\//, /^@modelcontextprotocol\//],
  });
  await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs' });
  const { configSchema } = await import(pathToFileURL(join(folder, 'schema.mjs')).href);
  return configSchema();
}
