// @ts-check
/**
 * Measures one launcher, in a process of its own that holds as much memory as was
 * asked for:
 *
 *     node bench/launcher-contender.mjs LAUNCHER MIB
 *
 * Answers requests on standard input with a line of JSON each, as
 * posix-spawn-bound.c does:
 *
 *     latency SECONDS        one start after the other, for so long
 *     rate SECONDS AT_ONCE   keeps so many at once, and starts no more after so long
 */
import { createInterface } from 'node:readline';

/** @import { Readable } from 'node:stream' */
/** @import { Launcher, LaunchRequest } from '../src/process/launcher.ts' */
/** @import { LauncherName } from '../src/process/launchers.ts' */

const MIB = 1024 * 1024;

/** The same as in posix-spawn-bound.c. @type {LaunchRequest} */
const REQUEST = {
  program: '/bin/true',
  arg0: '/bin/true',
  args: [],
  cwd: '/',
  env: new Map([
    ['PATH', '/usr/bin:/bin'],
    ['HOME', '/'],
    ['LANG', 'C.UTF-8'],
  ]),
  stdin: 'closed',
  terminal: undefined,
  mergeStderr: false,
  limits: undefined,
};

// Nobody is left to answer: another contender failed, or the benchmark was ended.
process.stdout.on('error', () => process.exit(1));

const [name, mib] = process.argv.slice(2);
const launcher = await makeLauncher(/** @type {LauncherName} */ (name));
const held = hold(Number(mib));
answer({ ready: true });

for await (const line of createInterface({ input: process.stdin })) {
  const [measure, seconds, atOnce] = line.split(' ');
  if (measure === 'latency') answer(await measureLatency(Number(seconds)));
  else if (measure === 'rate') answer(await measureRate(Number(seconds), Number(atOnce)));
  else throw new Error(`not a request: ${line}`);
}
// Used once more, so that it cannot be collected before.
held.length = 0;

/**
 * The launcher as it was built: from dist/, whose declarations need not be there for
 * the types to be checked.
 *
 * @param {LauncherName} name
 * @returns {Promise<Launcher>}
 */
async function makeLauncher(name) {
  const built = new URL('../dist/process/launchers.js', import.meta.url);
  /** @type {typeof import('../src/process/launchers.ts')} */
  const { createLauncher } = await import(built.href);
  return createLauncher(name);
}

/**
 * Allocates and writes to memory until this process has so much of it.
 *
 * @param {number} mib what is to be resident, in MiB
 * @returns {Buffer[]} the memory, which stays resident while this is referred to
 */
function hold(mib) {
  const held = [];
  while (process.memoryUsage.rss() < mib * MIB) held.push(Buffer.alloc(MIB, 1));
  return held;
}

/**
 * Starts one process after the other.
 *
 * @param {number} seconds for how long
 * @returns {Promise<{ latenciesMs: number[] }>} of each, in milliseconds
 */
async function measureLatency(seconds) {
  const latenciesMs = [];
  const end = performance.now() + seconds * 1000;
  for (let began = performance.now(); began < end; began = performance.now()) {
    await startToClosed();
    latenciesMs.push(performance.now() - began);
  }
  return { latenciesMs };
}

/**
 * Keeps a number of processes at once.
 *
 * @param {number} seconds after how long no more are started
 * @param {number} atOnce their number
 * @returns {Promise<{ starts: number, seconds: number }>} how many there were, and
 *   how long it took until the last was closed
 */
async function measureRate(seconds, atOnce) {
  let starts = 0;
  const began = performance.now();
  const end = began + seconds * 1000;
  const keepOne = async () => {
    // Also before the first: where starts block, not all begin in time.
    while (performance.now() < end) {
      starts += 1;
      await startToClosed();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, keepOne));
  return { starts, seconds: (performance.now() - began) / 1000 };
}

/** Starts a process; resolves when its exit is known and both of its outputs ended. */
async function startToClosed() {
  const { output, exited } = await launcher.launch(REQUEST);
  const [{ status }] = await Promise.all([exited, ended(output.stdout), ended(output.stderr)]);
  if (!('code' in status) || status.code !== 0) {
    throw new Error(`${REQUEST.program} failed: ${JSON.stringify(status)}`);
  }
}

/**
 * Reads a stream to its end.
 *
 * @param {Readable | undefined} stream
 * @returns {Promise<void>}
 */
function ended(stream) {
  return new Promise((resolve, reject) => {
    if (stream === undefined) throw new Error('the process has no such stream');
    stream.once('end', resolve).once('error', reject).resume();
  });
}

/** @param {object} value */
function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
