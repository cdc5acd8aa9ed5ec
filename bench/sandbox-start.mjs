// @ts-check
/**
 * Measures what a start in a sandbox costs beside one of bwrap(1) with the same mounts and
 * namespaces, by the same launcher, in turns. Needs what was built:
 *
 *     node bench/sandbox-start.mjs [ROUNDS]
 *
 * Prints a line of JSON: medians in milliseconds, for each policy.
 *
 * Of a sandbox all is measured that a server does for it: it finds what the rules name, in the
 * thread that does so, and launches, with its filter of system calls; `launchMs` is the latter
 * alone. bwrap(1) is told paths, where the server hands it descriptors of what it has looked at; it
 * gets no filter.
 */
import { built } from './lib/built.mjs';

/** @import { LaunchRequest } from '../src/process/launcher.ts' */
/** @import { PreparedSandbox } from '../src/sandbox/prepared-sandbox.ts' */
/** @import { SandboxRule, SandboxSpec } from '../src/sandbox/sandbox-spec.ts' */

const BWRAP = '/usr/bin/bwrap';

const NAMESPACES = [
  ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net'],
  ...['--unshare-cgroup-try', '--disable-userns', '--cap-drop', 'ALL'],
];

/** @type {(access: SandboxRule['access'], at: SandboxRule['at']) => SandboxRule} */
const rule = (access, at) => ({ access, at, missingOk: false });

/**
 * `platform` is what the command line asks for where nothing else is said: some fifty mounts. `bare`
 * is the least that a program of the system runs in.
 *
 * @type {Readonly<Record<'platform' | 'bare', readonly SandboxRule[]>>}
 */
const POLICIES = {
  platform: [rule('read', { place: 'platform' }), rule('write', { place: 'temp' })],
  bare: [
    ...['/usr', '/bin', '/lib', '/lib64'].map((path) => ({
      ...rule('read', { path }),
      missingOk: true,
    })),
    rule('write', { place: 'temp' }),
  ],
};

/** @type {LaunchRequest} */
const REQUEST = {
  program: '/bin/true',
  arg0: 'true',
  args: [],
  cwd: '/',
  env: new Map([['PATH', '/usr/bin:/bin']]),
  stdin: 'closed',
  terminal: undefined,
  mergeStderr: false,
  limits: undefined,
};

/** @type {typeof import('../src/clock.ts')} */
const { systemClock } = await built('clock.js');
/** @type {typeof import('../src/files/workers/file-workers.ts')} */
const { FileWorkers } = await built('files/workers/file-workers.js');
/** @type {typeof import('../src/files/workers/thread-link.ts')} */
const { threadLinks } = await built('files/workers/thread-link.js');
/** @type {typeof import('../src/process/launchers.ts')} */
const { createLauncher } = await built('process/launchers.js');
/** @type {typeof import('../src/sandbox/filter/system-call-filter.ts')} */
const { isFiltered, systemCallFilter } = await built('sandbox/filter/system-call-filter.js');
/** @type {typeof import('../src/sandbox/placeholders.ts')} */
const { Placeholders } = await built('sandbox/placeholders.js');
/** @type {typeof import('../src/sandbox/prepare-sandbox.ts')} */
const { prepareSandbox } = await built('sandbox/prepare-sandbox.js');

if (!isFiltered(process.arch)) throw new Error(`there are no sandboxes on ${process.arch}`);
const filter = systemCallFilter(process.arch);
const mechanism = { program: BWRAP, version: '', disablesUserNamespaces: true };
const launcher = createLauncher('posix_spawn');
const onError = (/** @type {unknown} */ error) => {
  throw error;
};
const workers = new FileWorkers({
  open: threadLinks({ roots: [] }),
  clock: systemClock,
  onError,
});
const placeholders = new Placeholders(workers, onError);

// Nothing else does so between the end of the outputs of a process and its own.
const alive = setInterval(() => {}, 1000);
const rounds = Number(process.argv[2] ?? 101);
const platform = await measurePolicy(POLICIES.platform);
const bare = await measurePolicy(POLICIES.bare);
clearInterval(alive);
await workers.close();
process.stdout.write(`${JSON.stringify({ platform, bare })}\n`);

/**
 * @param {readonly SandboxRule[]} rules
 * @returns {Promise<{ sandboxedMs: number, launchMs: number, bwrapMs: number }>}
 */
async function measurePolicy(rules) {
  const example = await prepare(rules);
  const args = [...NAMESPACES, ...mountsOf(example), '--', REQUEST.program];
  await example.release();
  /** @type {number[]} */
  const sandboxed = [];
  /** @type {number[]} */
  const launched = [];
  /** @type {number[]} */
  const alone = [];
  for (let round = 0; round < rounds; round++) {
    const { launchMs, sandboxedMs } = await measureSandboxed(rules);
    sandboxed.push(sandboxedMs);
    launched.push(launchMs);
    alone.push(await measure({ ...REQUEST, program: BWRAP, arg0: 'bwrap', args }));
  }
  return {
    sandboxedMs: median(sandboxed),
    launchMs: median(launched),
    bwrapMs: median(alone),
  };
}

/**
 * @param {readonly SandboxRule[]} rules
 * @returns {Promise<PreparedSandbox>}
 */
function prepare(rules) {
  /** @type {SandboxSpec} */
  const spec = { profile: '', layers: [{ rules, network: 'none' }], cwd: undefined };
  const asker = { principal: 'bench', asker: 'bench' };
  return prepareSandbox(spec, { workers, placeholders, asker, cwd: undefined });
}

/**
 * What bwrap(1) is told to mount the same, by paths.
 *
 * @param {PreparedSandbox} prepared
 * @returns {string[]}
 */
function mountsOf({ arguments: told, first }) {
  /** @type {string[]} */
  const mounts = [];
  const texts = told.split('\0').slice(0, -1);
  for (let at = 0; at < texts.length; at++) {
    const [option = '', , path = ''] = texts.slice(at);
    if (option === '--ro-bind-fd' || option === '--bind-fd') {
      mounts.push(option.slice(0, -'-fd'.length), path, path);
      at += 2;
    } else if (option === '--perms' && texts[at + 4] === first) {
      at += 4;
    } else {
      mounts.push(option);
    }
  }
  return mounts;
}

/**
 * From the rules on. Waits until nothing is left of it, which is not counted: what of it ends later
 * is not to be a part of what is measured next.
 *
 * @param {readonly SandboxRule[]} rules
 * @returns {Promise<{ sandboxedMs: number, launchMs: number }>}
 */
async function measureSandboxed(rules) {
  const began = performance.now();
  const prepared = await prepare(rules);
  const { promise: gone, resolve: onGone } = deferred();
  const released = {
    ...prepared,
    async release() {
      onGone();
      await prepared.release();
    },
  };
  const preparedAt = performance.now();
  const sandbox = { mechanism, filter, prepared: released };
  const launchMs = await measure({ ...REQUEST, sandbox });
  await gone;
  return { sandboxedMs: preparedAt - began + launchMs, launchMs };
}

/**
 * From the request until its exit is known and both of its outputs ended.
 *
 * @param {LaunchRequest} request
 * @returns {Promise<number>} milliseconds
 */
async function measure(request) {
  const began = performance.now();
  const { exited, kin, output } = await launcher.launch(request);
  const ends = Object.values(output).map(
    (stream) => new Promise((resolve) => stream.once('end', resolve).resume()),
  );
  const [{ status }] = await Promise.all([exited, ...ends]);
  const took = performance.now() - began;
  if (!('code' in status) || status.code !== 0) throw new Error(JSON.stringify(status));
  kin?.release();
  return took;
}

/** @returns {{ promise: Promise<void>, resolve: () => void }} */
function deferred() {
  let resolve = () => {};
  const promise = new Promise((/** @type {(value: void) => void} */ settle) => {
    resolve = () => settle();
  });
  return { promise, resolve };
}

/**
 * @param {number[]} values
 * @returns {number}
 */
function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
