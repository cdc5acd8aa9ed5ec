// Packs the package, installs it into a new project, and checks what its users would find:
// what is in it, that its exports are right for publint, that programs which use it, examples
// and what the documents show are compiled with old compilers and new ones, and run. What the
// package depends on is linked from here, and nothing else is within its reach.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { compilers } from './package/compilers.mjs';
import { checkThatAllAreKnown, programOf } from './package/documents.mjs';
import { checkInstallation } from './package/installation.mjs';
import { run } from './package/run.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const PROGRAMS = join(root, 'test', 'package');

/** What the package holds beside `bundle/`, `dist/`, `man/` and `proto/`. */
const TOP_FILES = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'serve.schema.json'];

const EXAMPLES = join(root, 'examples');

/** Programs that do not need the SDK of MCP, which is for those who use `runlet/mcp`. */
const CLIENT_PROGRAMS = ['client.ts', 'common.cts'];
const MCP_PROGRAMS = ['mcp.ts'];

const MCP_EXAMPLE = 'examples/mcp.ts';

/** Scripts that npm would run for those who install it, or would warn them of. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

const folder = mkdtempSync(join(tmpdir(), 'runlet-package-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main() {
  const project = join(folder, 'project');
  const modules = join(project, 'node_modules');
  const installed = join(modules, 'runlet');
  mkdirSync(installed, { recursive: true });
  const tarball = await pack();
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'], root);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  checkContents(installed, manifest);
  await checkExports(installed);
  await checkInstallation(tarball, folder);
  say('installed by npm without a warning');
  checkThatAllAreKnown();
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }\n');
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) link(modules, name);
  const examples = copyExamples(project);
  const server = await serve(installed, project);
  try {
    const ways = compilers();
    const fragments = writeFragments(project, 'client');
    const withoutSdk = examples.filter((name) => name !== MCP_EXAMPLE);
    copyPrograms(project, CLIENT_PROGRAMS);
    await compileAll(project, [...CLIENT_PROGRAMS, fragments, ...withoutSdk], ways, []);
    await run(process.execPath, ['out/client.js', server.address], project);
    await run(process.execPath, ['out/common.cjs', server.address], project);
    await run(process.execPath, ['out/examples/run-command.js'], project);
    say(`${CLIENT_PROGRAMS.join(', ')}, an example: run`);
    for (const name of Object.keys(peerDependencies)) link(modules, name);
    const mcpFragments = writeFragments(project, 'mcp');
    copyPrograms(project, MCP_PROGRAMS);
    const mcpWays = ways.filter(({ mcp }) => mcp);
    // The SDK's types need those of the web's fetch.
    await compileAll(project, [...MCP_PROGRAMS, mcpFragments, MCP_EXAMPLE], mcpWays, ['dom']);
    await run(process.execPath, ['out/mcp.js', server.address], project);
    say(`${MCP_PROGRAMS.join(', ')}: run`);
  } finally {
    server.child.kill('SIGTERM');
    await once(server.child, 'exit');
  }
}

/** Packs the package, and gives the path of what was packed. */
async function pack() {
  // What would be built before was built, or there would be nothing to pack.
  const flags = ['--json', '--ignore-scripts', '--pack-destination', folder];
  const [{ filename }] = JSON.parse((await run('npm', ['pack', ...flags], root)).stdout);
  return join(folder, filename);
}

function checkContents(installed, manifest) {
  const files = readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
  const strange = files.filter(
    (file) =>
      !TOP_FILES.includes(file) &&
      !/^proto\/runlet\/v1\/\w+\.proto$/.test(file) &&
      !/^bundle\/(?:[\w-]+\.js|LICENSES\.txt|package\.json)$/.test(file) &&
      !/^man\/runlet[a-z-]*\.1$/.test(file) &&
      !/^dist\/.*(?<!\.test)\.(?:js|js\.map|d\.ts)$/.test(file) &&
      file !== 'dist/commonjs/package.json',
  );
  if (strange.length > 0) throw new Error(`in the package: ${strange.join(', ')}`);
  const missing = TOP_FILES.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`not in the package: ${missing.join(', ')}`);
  const scripts = INSTALL_SCRIPTS.filter((name) => name in manifest.scripts);
  if (scripts.length > 0) throw new Error(`scripts run at installation: ${scripts.join(', ')}`);
  const { bugs, homepage, repository } = manifest;
  // npm leads what README.md links to there.
  if (![repository?.url, homepage, bugs].every((url) => /^(?:git\+)?https:/.test(url))) {
    throw new Error('the package does not name its repository, its page and where its issues are');
  }
  say(`${files.length} files`);
}

async function checkExports(installed) {
  const { messages, pkg } = await publint({ pkgDir: installed, pack: false, strict: true });
  for (const message of messages) say(formatMessage(message, pkg));
  if (messages.length > 0) throw new Error('publint has objections');
  say('publint: nothing to object');
}

function copyPrograms(project, names) {
  for (const name of names) copyFileSync(join(PROGRAMS, name), join(project, name));
}

/** Copies the examples, and gives their paths. */
function copyExamples(project) {
  const filter = (path) => path !== join(EXAMPLES, 'build');
  cpSync(EXAMPLES, join(project, 'examples'), { recursive: true, filter });
  return readdirSync(EXAMPLES)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `examples/${name}`);
}

/** Compiles files in several ways, as many at a time as there are processors. */
async function compileAll(project, files, ways, libraries) {
  const left = ways.values();
  const worker = async () => {
    for (const way of left) await compile(project, files, way, libraries);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

async function compile(project, files, way, libraries) {
  const { emits = false, name, nodeTypes, options, resolution, tsc } = way;
  const typeRoot = mkdtempSync(join(project, 'types-'));
  symlinkSync(nodeTypes, join(typeRoot, 'node'));
  // Nothing but a bundler takes modules as they come, and a program in CommonJS is not for it.
  const compiled = files.filter((file) => resolution !== 'bundler' || !file.endsWith('.cts'));
  const compilerOptions = {
    ...options,
    rootDir: '.',
    outDir: 'out',
    lib: ['es2022', 'esnext.disposable', ...libraries],
    typeRoots: [typeRoot],
    types: ['node'],
    // The examples name each other as Node.js runs them.
    ...(emits
      ? { rewriteRelativeImportExtensions: true }
      : { noEmit: true, allowImportingTsExtensions: true }),
  };
  const config = `${typeRoot}.json`;
  writeFileSync(config, JSON.stringify({ compilerOptions, files: compiled }));
  await run(process.execPath, [tsc, '-p', config], project);
  say(`${name}: ${compiled.length} files compiled`);
}

/** Writes what the documents show of code, each block for itself; gives the file's name. */
function writeFragments(project, name) {
  const { count, files, program } = programOf(name);
  const file = `${name}-fragments.ts`;
  writeFileSync(join(project, file), program);
  say(`${count} fragments of ${files.join(', ')}`);
  return file;
}

/** Starts the packed program as a server. */
async function serve(installed, project) {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  const listen = `unix:${join(folder, 'runlet.sock')}`;
  const main = join(installed, manifest.bin.runlet);
  const args = ['serve', '--listen', listen, '--state-dir', join(folder, 'state')];
  const child = spawn(process.execPath, [main, ...args, '--log-level', 'error'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error('the packed server ended before it listened');
  });
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  ended.catch(() => {});
  return { child, address: line.replace('runlet listening on ', '') };
}

function link(modules, name) {
  mkdirSync(dirname(join(modules, name)), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), join(modules, name));
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
