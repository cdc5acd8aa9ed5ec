// Packs the package, installs it into a new project, and checks what its users would find:
// what is in it, that its exports are right for publint, that programs which use it, examples
// and what the documents show are compiled with old compilers and new ones, and run. What the
// package depends on is linked from here, and nothing else is within its reach.
import { spawn, spawnSync } from 'node:child_process';
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
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { compilers } from './package/compilers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const PROGRAMS = join(root, 'test', 'package');

/** What the package holds beside `bundle/`, `dist/`, `man/` and `proto/`. */
const TOP_FILES = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];

const EXAMPLES = join(root, 'examples');

/** Programs that do not need the SDK of MCP, which is for those who use `runlet/mcp`. */
const CLIENT_PROGRAMS = ['client.ts', 'common.cts'];
const MCP_PROGRAMS = ['mcp.ts'];

/** Documents with code, and what it can use. */
const CLIENT_DOCUMENTS = {
  files: ['README.md', 'docs/client.md'],
  parameters: `client: RunletClient, session: RemoteSession,
  process: StartedProcess<{ argv: string[]; stdin: 'pipe' }>`,
  imports: `
import { credentials } from '@grpc/grpc-js';
import { connect, RemoteError, serve } from 'runlet';
import type { RemoteSession, RunletClient, StartedProcess } from 'runlet';
declare function currentToken(): Promise<string>;
`,
};
const MCP_DOCUMENTS = {
  files: ['docs/mcp.md'],
  parameters: 'session: RemoteSession',
  imports: `
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { connect, type RemoteSession } from 'runlet/client';
import { RunletClientTransport } from 'runlet/mcp';
`,
};

/** Scripts that npm would run for those who install it. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

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
  const manifest = unpack(installed);
  checkContents(installed, manifest);
  await checkExports(installed);
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }\n');
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) link(modules, name);
  const examples = copyExamples(project);
  const server = await serve(installed, project);
  try {
    const ways = compilers();
    const fragments = writeFragments(project, 'client', CLIENT_DOCUMENTS);
    const withoutSdk = examples.filter((name) => name !== 'examples/mcp.mjs');
    copyPrograms(project, CLIENT_PROGRAMS);
    for (const way of ways) {
      compile(project, [...CLIENT_PROGRAMS, fragments, ...withoutSdk], way, []);
    }
    // They differ in what the compiler found, and not in what it made.
    run(process.execPath, ['out/client.js', server.address], project);
    run(process.execPath, ['out/common.cjs', server.address], project);
    say(`${CLIENT_PROGRAMS.join(', ')}: run`);
    for (const name of Object.keys(peerDependencies)) link(modules, name);
    const mcpFragments = writeFragments(project, 'mcp', MCP_DOCUMENTS);
    copyPrograms(project, MCP_PROGRAMS);
    // The SDK's types need those of the web's fetch, and a compiler that knows what zod does.
    for (const way of ways.filter(({ typescript }) => typescript !== '5.4')) {
      compile(project, [...MCP_PROGRAMS, mcpFragments, 'examples/mcp.mjs'], way, ['dom']);
    }
    run(process.execPath, ['out/mcp.js', server.address], project);
    say(`${MCP_PROGRAMS.join(', ')}: run`);
  } finally {
    server.child.kill('SIGTERM');
    await once(server.child, 'exit');
  }
}

/** Packs the package and unpacks it into a folder; gives its manifest. */
function unpack(installed) {
  const [pack] = JSON.parse(
    // What `prepare` does was done, or there would be nothing to pack.
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root),
  );
  run('tar', ['-xzf', join(folder, pack.filename), '-C', installed, '--strip-components=1'], root);
  return JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
}

function checkContents(installed, manifest) {
  const files = readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
  const strange = files.filter(
    (file) =>
      !TOP_FILES.includes(file) &&
      !/^proto\/runlet\/v1\/\w+\.proto$/.test(file) &&
      !/^bundle\/(?:[\w-]+\.js|LICENSES\.txt)$/.test(file) &&
      !/^man\/runlet[a-z-]*\.1$/.test(file) &&
      !/^dist\/.*(?<!\.test)\.(?:js|js\.map|d\.ts)$/.test(file) &&
      file !== 'dist/commonjs/package.json',
  );
  if (strange.length > 0) throw new Error(`in the package: ${strange.join(', ')}`);
  const missing = TOP_FILES.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`not in the package: ${missing.join(', ')}`);
  const scripts = INSTALL_SCRIPTS.filter((name) => name in manifest.scripts);
  if (scripts.length > 0) throw new Error(`scripts run at installation: ${scripts.join(', ')}`);
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
  cpSync(EXAMPLES, join(project, 'examples'), { recursive: true });
  return readdirSync(EXAMPLES)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => `examples/${name}`);
}

function compile(project, files, { name, nodeTypes, options, resolution, tsc }, libraries) {
  const types = join(project, 'node_modules', '@types', 'node');
  rmSync(types, { force: true });
  mkdirSync(dirname(types), { recursive: true });
  symlinkSync(nodeTypes, types);
  // Nothing but a bundler takes modules as they come, and a program in CommonJS is not for it.
  const compiled = files.filter((file) => resolution !== 'bundler' || !file.endsWith('.cts'));
  const compilerOptions = {
    ...options,
    rootDir: '.',
    outDir: 'out',
    lib: ['es2022', 'esnext.disposable', ...libraries],
    types: ['node'],
    // The examples are JavaScript, for Node.js as it is.
    allowJs: true,
    checkJs: true,
  };
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: compiled }),
  );
  run(process.execPath, [tsc, '-p', '.'], project);
  say(`${name}: ${compiled.length} files compiled`);
}

/** Writes what the documents show of code, each block for itself; gives the file's name. */
function writeFragments(project, name, { files, imports, parameters }) {
  const fragments = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  });
  const functions = fragments.map((code, i) => {
    return `export async function fragment${i}(${parameters}) {\n{\n${code}}\n}\n`;
  });
  const file = `${name}-fragments.ts`;
  writeFileSync(join(project, file), imports + functions.join('\n'));
  say(`${fragments.length} fragments of ${files.join(', ')}`);
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

/** Runs a command to its end and gives what it printed. */
function run(command, args, cwd) {
  const { error, status, stderr, stdout } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
  return stdout;
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
