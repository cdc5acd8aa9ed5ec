// @ts-check
/**
 * Measures what a start in a sandbox costs beside one of bwrap(1) with the same mounts, by the same
 * launcher, in turns. Needs what was built:
 *
 *     node bench/sandbox-start.mjs [ROUNDS]
 *
 * Prints a line of JSON: medians in milliseconds.
 */
import { existsSync } from 'node:fs';

/** @import { LaunchRequest } from '../src/process/launcher.ts' */
/** @import { PreparedSandbox } from '../src/sandbox/prepared-sandbox.ts' */

const BWRAP = '/usr/bin/bwrap';
const FIRST = '/.runlet-first';

const MOUNTS = [
  ...['--ro-bind', '/usr', '/usr'],
  ...['/bin', '/lib', '/lib64'].flatMap((path) =>
    existsSync(path) ? ['--symlink', `usr${path}`, path] : [],
  ),
  ...['--proc', '/proc', '--dev', '/dev', '--perms', '1777', '--tmpfs', '/tmp'],
  ...['--remount-ro', '/'],
];

const NAMESPACES = [
  ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net'],
  ...['--unshare-cgroup-try', '--disable-userns', '--cap-drop', 'ALL'],
];

/** `BPF_RET | BPF_K`, `SECCOMP_RET_ALLOW`: what a filter forbids is measured elsewhere. */
const ALLOW_ALL = Uint8Array.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]);

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

const built = new URL('../dist/process/launchers.js', import.meta.url);
/** @type {typeof import('../src/process/launchers.ts')} */
const { createLauncher } = await import(built.href);
const launcher = createLauncher('posix_spawn');

// Nothing else does so between the end of the outputs of a process and its own.
const alive = setInterval(() => {}, 1000);
const rounds = Number(process.argv[2] ?? 101);
/** @type {number[]} */
const sandboxed = [];
/** @type {number[]} */
const alone = [];
for (let round = 0; round < rounds; round++) {
  sandboxed.push(await measure({ ...REQUEST, sandbox: sandboxLaunch() }));
  const args = [...NAMESPACES, ...MOUNTS, '--', REQUEST.program];
  alone.push(await measure({ ...REQUEST, program: BWRAP, arg0: 'bwrap', args }));
}
clearInterval(alive);
const [sandboxedMs, bwrapMs] = [median(sandboxed), median(alone)];
process.stdout.write(`${JSON.stringify({ sandboxedMs, bwrapMs })}\n`);

function sandboxLaunch() {
  /** @type {PreparedSandbox} */
  const prepared = {
    network: 'none',
    hasTemp: true,
    accessAt: () => 'read',
    arguments: ['--perms', '0555', '--ro-bind-data', '9', FIRST, ...MOUNTS],
    first: FIRST,
    descriptors: [],
    closeDescriptors() {},
    async release() {},
  };
  const mechanism = { program: BWRAP, version: '', disablesUserNamespaces: true };
  return { mechanism, filter: ALLOW_ALL, prepared };
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

/**
 * @param {number[]} values
 * @returns {number}
 */
function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
