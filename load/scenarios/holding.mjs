// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startContender } from '../../bench/lib/contender.mjs';
import { settled } from '../../bench/lib/settled.mjs';
import { memoryOf } from '../../bench/servers/runlet.mjs';
import { holdingsOf } from '../lib/holdings.mjs';

/** @import { Memory } from '../../bench/servers/runlet.mjs' */
/** @import { Context, Outcome, Scenario, SizeName } from '../lib/scenario.mjs' */

/**
 * How much is held, and how long.
 *
 * @typedef {object} Size
 * @property {number} sessions attached, each with one process
 * @property {number} watchers
 * @property {number} heartbeatSeconds of the server
 * @property {number} holdMs longer than that, so that each stream shows that it is alive
 * @property {number} connections
 */

/** @type {Record<SizeName, Size>} */
const SIZES = {
  smoke: { sessions: 20, watchers: 100, heartbeatSeconds: 0.5, holdMs: 1_500, connections: 2 },
  full: { sessions: 1_000, watchers: 5_000, heartbeatSeconds: 5, holdMs: 15_000, connections: 10 },
};

/** So much of it is held and given up first, for code to be compiled. */
const WARM_UP_SHARE = 0.1;

const HOLDER = fileURLToPath(new URL('../holder.mjs', import.meta.url));

/** @type {readonly Scenario[]} */
export const HOLDING_SCENARIOS = [
  {
    name: 'holding',
    tool: 'node',
    summary: 'attached sessions with a live process each, and watchers of these, all silent',
    latencyOf: 'nothing',
    ownServer: (size) => ['--heartbeat', `${SIZES[size].heartbeatSeconds}`],
    run,
  },
];

/**
 * @param {Context} context
 * @returns {Promise<Outcome>}
 */
async function run({ say, server, size: sizeName }) {
  const size = SIZES[sizeName];
  const { connections, sessions, watchers } = size;
  const holder = await startContender('holder', process.execPath, [
    HOLDER,
    server.socket,
    `${connections}`,
  ]);
  const ask = (/** @type {string} */ command, count = 0) =>
    holder.ask(JSON.stringify({ command, count }));
  // What is held, and not what has not been collected yet.
  const memory = () => {
    server.collect();
    return settled(() => memoryOf(server.pid));
  };
  const stop = () => kill(holder.pid);
  process.once('exit', stop);

  await ask('attach', sessions * WARM_UP_SHARE);
  await ask('populate');
  await ask('watch', watchers * WARM_UP_SHARE);
  await ask('clear');
  const empty = await memory();
  const began = performance.now();
  say(`attaching to ${sessions} sessions`);
  await ask('attach', sessions);
  const attached = await memory();
  say(`starting ${sessions} processes`);
  await ask('populate');
  const populated = await memory();
  say(`watching with ${watchers} watchers`);
  await ask('watch', watchers);
  const watched = await memory();
  say(`holding for ${size.holdMs / 1000} s`);
  await ask('mark');
  await sleep(size.holdMs);
  const status = /** @type {import('../holder.mjs').Status} */ (await ask('look'));
  const { children } = holdingsOf(server.pid);
  say('giving all of it up');
  const clearing = performance.now();
  const { odd } = /** @type {{ odd: number }} */ (await ask('clear'));
  const cleared = performance.now();
  await holder.stop();
  process.off('exit', stop);

  const errors = [];
  if (status.lost > 0) errors.push(`${status.lost} times a stream was lost`);
  if (status.silent > 0) errors.push(`${status.silent} times no heartbeat came`);
  if (odd > 0) errors.push(`${odd} times a stream ended otherwise than by its session's closing`);
  if (children !== sessions) errors.push(`${children} processes ran, and ${sessions} should have`);
  return {
    calls: status.open + children,
    expected: 2 * sessions + watchers,
    seconds: (cleared - began) / 1000,
    errors,
    latency: undefined,
    figures: {
      'attached sessions': sessions,
      processes: sessions,
      watchers,
      'resident memory when empty, MiB': Math.round(empty.residentKib / 1024),
      'resident memory when full, MiB': Math.round(watched.residentKib / 1024),
      'KiB for an attached session': perPiece(empty, attached, sessions),
      'KiB for a process': perPiece(attached, populated, sessions),
      'KiB for a watcher': perPiece(populated, watched, watchers),
      'seconds to give all of it up': Math.round(cleared - clearing) / 1000,
    },
  };
}

/**
 * @param {Memory} before
 * @param {Memory} after
 * @param {number} count
 * @returns {number} in KiB, of one
 */
function perPiece(before, after, count) {
  return Math.round(((after.residentKib - before.residentKib) / count) * 10) / 10;
}

/** @param {number} pid of a process that may be gone */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is.
  }
}
