// Bundles the command line from `dist/`, which has to be built, into `bundle/`, with the
// libraries that it uses: finding and reading some four hundred modules is half of the time in
// which a command starts. Parts that only some commands load stay files of their own.
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { readyDescriptors } from './descriptors.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'bundle');

/** What is native, and what only some users have, is loaded from where it is installed. */
const EXTERNAL = [/^koffi$/, /^@modelcontextprotocol\//, /^@opentelemetry\//];

/**
 * grpc-js compiles protos with these when it is asked for statistics of channels, or to tell load,
 * which we never do; they are a fifth of all code.
 */
const UNUSED = /^(?:@grpc\/proto-loader|protobufjs(?:\/.*)?)$/;
const withoutUnused = {
  name: 'without-unused',
  resolveId: (id) => (UNUSED.test(id) ? '\0unused' : undefined),
  load: (id) => (id === '\0unused' ? 'export default {};' : undefined),
};

/** The folder of the package that a file belongs to. */
const PACKAGE_FOLDER = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

rmSync(target, { recursive: true, force: true });
// Modules of CommonJS are compiled by the first of them, which can have V8 take what it has
// compiled before: see src/bundled/.
const output = await bundle(
  {
    'command-line-main': join(root, 'dist', 'cli', 'main.js'),
    // What threads for files run.
    'file-agent': join(root, 'dist', 'files', 'agent', 'main.js'),
    // What helpers for files in sandboxes run.
    'sandboxed-file-agent': join(root, 'dist', 'files', 'agent', 'main-in-sandbox.js'),
  },
  {
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    postBanner: '/*! Holds libraries whose licenses are in LICENSES.txt. */',
  },
);
const files = output.filter((file) => file.type === 'chunk').map(({ fileName }) => fileName);
const build = createHash('sha256');
for (const file of files.sort()) {
  const path = join(target, file);
  const code = inAscii(readFileSync(path, 'utf8')).replace(/^#!.*/, '');
  writeFileSync(path, code);
  build.update(code);
}
await bundle(
  { main: join(root, 'dist', 'bundled', 'main.js') },
  { entryFileNames: 'main.js' },
  { define: { BUILD: JSON.stringify(build.digest('hex').slice(0, 16)) } },
);
writeFileSync(join(target, 'package.json'), '{ "type": "commonjs" }\n');
startByShell(join(target, 'main.js'));

const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
const folders = new Set(modules.flatMap((id) => PACKAGE_FOLDER.exec(id)?.[0] ?? []));
writeFileSync(join(target, 'LICENSES.txt'), [...folders].sort().map(licenseOf).join('\n'));

/**
 * @param {Record<string, string>} input
 * @param {import('rolldown').OutputOptions} names
 * @param {import('rolldown').TransformOptions} [transform]
 */
async function bundle(input, names, transform = {}) {
  const rolled = await rolldown({
    input,
    platform: 'node',
    external: EXTERNAL,
    transform,
    plugins: [withoutUnused, readyDescriptors],
  });
  const { output } = await rolled.write({ dir: target, format: 'cjs', ...names });
  return output;
}

/** The same code without other characters, which are in texts and patterns alone. */
function inAscii(code) {
  return code.replace(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Has a program be started by a shell, which becomes Node.js: that tells what it was started
 * with, and Node.js would not know any more. No further file has to be found, whatever links lead
 * to the program, and Node.js can be started with it as before.
 */
function startByShell(path) {
  const code = readFileSync(path, 'utf8');
  const firstLines = readFileSync(join(root, 'scripts', 'first-lines.sh'), 'utf8');
  writeFileSync(path, firstLines + code);
  chmodSync(path, 0o755);
}

/** The license of a package, as it has to go with copies. */
function licenseOf(folder) {
  const { license, name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file));
  const all = texts.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`==== ${name} ${version} (${license})`, ...all, ''].join('\n\n');
}
