// Packs the package, installs it into a new project, and checks what its users would find:
// what is in it, that its exports are right for publint, that programs which use it are
// compiled with each way of finding modules, and run. Needs no network: what the
// package depends on is linked from here, and nothing else is within its reach.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
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

const root = fileURLToPath(new URL('..', import.meta.url));
const PROGRAMS = join(root, 'test', 'package');

/** Ways to find modules, and what TypeScript calls the modules that go with them. */
const RESOLUTIONS = { node16: 'node16', nodenext: 'nodenext', bundler: 'preserve' };

/** What the package holds beside `bundle/`, `dist/` and `proto/`. */
const TOP_FILES = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];

/** Where code is shown. */
const DOCUMENTS = ['README.md', 'docs/client.md', 'docs/mcp.md'];

/** What a fragment of code can use. */
const FRAGMENT_IMPORTS = `
import { credentials } from '@grpc/grpc-js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { connect, RemoteError } from 'runlet/client';
import type { RemoteSession, RunletClient, StartedProcess } from 'runlet/client';
import { RunletClientTransport } from 'runlet/mcp';
declare function currentToken(): Promise<string>;
`;
const FRAGMENT_PARAMETERS = `client: RunletClient, session: RemoteSession,
  process: StartedProcess<{ argv: string[]; stdin: 'pipe' }>`;

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
  for (const name of ['@types/node', 'undici-types']) link(modules, name);
  const server = await serve(installed, project);
  try {
    checkCommonJs(project);
    // The SDK is for those who use `runlet/mcp`.
    checkProgram(project, 'client', server.address, []);
    for (const name of Object.keys(peerDependencies)) link(modules, name);
    // Whose types need those of the web's fetch.
    checkProgram(project, 'mcp', server.address, ['dom']);
    checkFragments(project);
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
      !/^dist\/.*(?<!\.test)\.(?:js|js\.map|d\.ts)$/.test(file),
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

/** Compiles a program with each way of finding modules, and runs it. */
function checkProgram(project, name, address, libraries) {
  copyFileSync(join(PROGRAMS, `${name}.ts`), join(project, `${name}.ts`));
  for (const resolution of Object.keys(RESOLUTIONS)) {
    compile(project, `${name}.ts`, resolution, libraries);
    say(`${name}.ts: compiled with ${resolution}`);
  }
  // They differ in what the compiler found, and not in what it made.
  run(process.execPath, [join('out', 'nodenext', `${name}.js`), address], project);
  say(`${name}.ts: run`);
}

/** Compiles a program in CommonJS, and runs it. */
function checkCommonJs(project) {
  copyFileSync(join(PROGRAMS, 'common.cts'), join(project, 'common.cts'));
  compile(project, 'common.cts', 'nodenext', []);
  run(process.execPath, [join('out', 'nodenext', 'common.cjs')], project);
  say('common.cts: compiled with nodenext, and run');
}

function compile(project, file, resolution, libraries) {
  const compilerOptions = {
    module: RESOLUTIONS[resolution],
    moduleResolution: resolution,
    outDir: join('out', resolution),
    target: 'es2022',
    lib: ['es2022', 'esnext.disposable', ...libraries],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
  };
  const tsconfig = { compilerOptions, files: [file] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig));
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], project);
}

/** Compiles what the documents show of code, each block for itself. */
function checkFragments(project) {
  const fragments = DOCUMENTS.flatMap((name) => {
    const text = readFileSync(join(root, name), 'utf8');
    return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  });
  const functions = fragments.map((code, i) => {
    return `export async function fragment${i}(${FRAGMENT_PARAMETERS}) {{\n${code}}}\n`;
  });
  writeFileSync(join(project, 'fragments.ts'), FRAGMENT_IMPORTS + functions.join('\n'));
  compile(project, 'fragments.ts', 'nodenext', ['dom']);
  say(`${fragments.length} fragments of the documents: compiled`);
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
