// Writes what CommonJS finds of the library into `dist/commonjs/`, from `dist/`, which has to be
// built. Node.js lets CommonJS require ES modules; compilers before TypeScript 5.8 do not know
// that, and need declarations of CommonJS. Those are the same files, in a folder that says so,
// and what runs is the same module.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const target = join(dist, 'commonjs');

/** What the package exports, as `package.json` has it. */
const ENTRIES = ['index', 'client/index', 'mcp/index'];

/** What a file of declarations takes from another of ours: `from './x.ts'`, `import('./x.ts')`. */
const IMPORT = /(?:from |import\()'(\.{1,2}\/[^']+)\.ts'/g;

rmSync(target, { recursive: true, force: true });
write('package.json', '{ "type": "commonjs" }\n');
const written = new Set();
for (const entry of ENTRIES) {
  declare(entry);
  const module = relative(join(target, dirname(entry)), join(dist, `${entry}.js`));
  write(`${entry}.js`, `'use strict';\nmodule.exports = require('${module}');\n`);
}

/** Copies the declarations of a module, and of all that they are made of. */
function declare(module) {
  if (written.has(module)) return;
  written.add(module);
  const text = readFileSync(join(dist, `${module}.d.ts`), 'utf8');
  write(`${module}.d.ts`, text);
  for (const [, path] of text.matchAll(IMPORT)) declare(join(dirname(module), path));
}

function write(name, text) {
  mkdirSync(dirname(join(target, name)), { recursive: true });
  writeFileSync(join(target, name), text);
}
