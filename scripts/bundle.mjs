// Bundles the command line from `dist/`, which has to be built, into `bundle/`, with the
// libraries that it uses: finding and reading some four hundred modules is half of the time in
// which a command starts. Parts that only some commands load stay files of their own.
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'bundle');

/** What is native, and what only some users have, is loaded from where it is installed. */
const EXTERNAL = [/^koffi$/, /^@modelcontextprotocol\//];

/** The folder of the package that a file belongs to. */
const PACKAGE_FOLDER = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

const bundle = await rolldown({
  input: join(root, 'dist', 'cli', 'main.js'),
  platform: 'node',
  external: EXTERNAL,
});
rmSync(target, { recursive: true, force: true });
const { output } = await bundle.write({
  dir: target,
  format: 'esm',
  entryFileNames: 'main.js',
  chunkFileNames: '[name]-[hash].js',
  postBanner: '/*! Holds libraries whose licenses are in LICENSES.txt. */',
});
startByShell(join(target, 'main.js'));

const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
const folders = new Set(modules.flatMap((id) => PACKAGE_FOLDER.exec(id)?.[0] ?? []));
writeFileSync(join(target, 'LICENSES.txt'), [...folders].sort().map(licenseOf).join('\n'));

/**
 * Has a program be started by a shell, which becomes Node.js: that tells what it was started
 * with, and Node.js would not know any more. No further file has to be found, whatever links lead
 * to the program, and Node.js can be started with it as before.
 */
function startByShell(path) {
  const code = readFileSync(path, 'utf8');
  const firstLines = readFileSync(join(root, 'scripts', 'first-lines.sh'), 'utf8');
  writeFileSync(path, firstLines + code.slice(code.indexOf('\n') + 1));
  chmodSync(path, 0o755);
}

/** The license of a package, as it has to go with copies. */
function licenseOf(folder) {
  const { license, name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file));
  const all = texts.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`==== ${name} ${version} (${license})`, ...all, ''].join('\n\n');
}
