// Puts the examples into the documents: what stands in a code block after a comment
// `<!-- example: NAME -->` becomes the text of `examples/NAME`.
//
//     node scripts/embed-examples.mjs [--check]
//
// A block that imports something is a whole program, and has to be one of them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const BLOCK = /(<!-- example: ([\w.-]+) -->\n\n```ts\n)([\s\S]*?)(```\n)/g;

const PROGRAM = /```(?:js|ts|typescript|javascript)\n(?:(?!```)[\s\S])*?^import /gm;

const check = process.argv.includes('--check');
for (const name of readdirSync(`${root}/docs`).filter((file) => file.endsWith('.md'))) {
  const path = `${root}/docs/${name}`;
  const before = readFileSync(path, 'utf8');
  const after = before.replace(BLOCK, (_, head, example, __, tail) => {
    return head + readFileSync(`${root}/examples/${example}`, 'utf8') + tail;
  });
  const programs = [...after.matchAll(PROGRAM)].length;
  const embedded = [...after.matchAll(BLOCK)].length;
  if (programs !== embedded)
    fail(`docs/${name}: ${programs} programs, ${embedded} of them examples`);
  if (after === before) continue;
  if (!check) writeFileSync(path, after);
  else fail(`docs/${name} differs from examples/: run npm run format`);
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}
