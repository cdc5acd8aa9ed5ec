// @ts-check

import { residentMib } from '../lib/resident.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { median } from '../lib/statistics.mjs';
import { ask, onStage } from './stage.mjs';
import { cpuMs } from './usage.mjs';

/** @import { Check } from './judge.mjs' */

const MIB = 1024 * 1024;
const ROUNDS = 5;
const ROUND_SECONDS = 0.4;
const AT_ONCE = 8;

/**
 * Today 1.5 to 4, and 4 to 10. Nothing that is known to go wrong comes near the bounds:
 * they are there for what is not known.
 */
const START_BOUNDS = { child_process: { most: 10 }, C: { most: 30 } };

/** So much that to copy its page tables takes many times as long as all else of a start. */
const HELD_MIB = 1024;

/** Today 0.15 to 0.5, and 1.4 to 2.7 where the server forks. */
const HELD_BOUNDS = { child_process: { most: 1 } };

/**
 * How long a run of `/bin/true` by a server takes, compared to one by Node.js alone, and
 * to one by a program in C.
 *
 * @type {Check}
 */
export const start = {
  id: 'start',
  measure: (setup) =>
    onStage(setup, async ({ node, program, serve, socket }) => {
      await serve();
      const runlet = await node('executors/driver.mjs', 'runlet', socket);
      const childProcess = await node('executors/driver.mjs', 'child_process');
      const bound = await program(setup.bound, '0');
      const latency = { measure: 'latency', seconds: ROUND_SECONDS };
      const values = await measureInTurns({
        runlet: async () => median(await ask(runlet, latency)),
        child_process: async () => median(await ask(childProcess, latency)),
        C: async () => {
          const answer = await bound.ask(`latency ${ROUND_SECONDS}`);
          return median(/** @type {{ latenciesMs: number[] }} */ (answer).latenciesMs);
        },
      });
      const about = /** @type {const} */ ({ id: 'start', measure: 'start, p50', unit: 'ms' });
      return makeRow(about, values, 'runlet', START_BOUNDS);
    }),
};

/**
 * What such a run costs a server in time of processors that holds much memory, as the
 * output of a process that it retains; compared to what a start costs a process in which
 * Node.js forks, and which holds as much. A fork copies the page tables of all that, in the
 * time of the process that forks; posix_spawn(3) does not. What the child takes belongs to
 * neither.
 *
 * @type {Check}
 */
export const startHeld = {
  id: 'start-held',
  measure: (setup) =>
    onStage(setup, async ({ bareSocket, node, serve, socket }) => {
      const server = await serve([
        ...['--output-memory', `${2 * HELD_MIB * MIB}`, '--output-disk', '0'],
        // Longer than the row takes, on whatever machine.
        ...['--retention', '600'],
      ]);
      const client = await node('output-client.mjs', socket, bareSocket);
      const bytes = HELD_MIB * MIB;
      const order = { argv: [setup.flood, 'blocks', `${bytes}`], retainedBytes: bytes };
      await ask(client, { command: 'fill', order });
      const held = residentMib(server);
      if (held < HELD_MIB) throw new Error(`the server holds ${held} MiB only`);
      const runlet = await node('executors/driver.mjs', 'runlet', socket);
      const forking = await node('launcher-contender.mjs', 'child_process', `${HELD_MIB}`);
      const request = { measure: 'rate', seconds: ROUND_SECONDS, atOnce: AT_ONCE };
      const values = await measureInTurns({
        runlet: () => cpuOfStart(server, () => ask(runlet, request)),
        child_process: () =>
          cpuOfStart(forking.pid, async () => {
            const answer = await forking.ask(`rate ${ROUND_SECONDS} ${AT_ONCE}`);
            return /** @type {{ starts: number }} */ (answer);
          }),
      });
      const measure = `CPU per start, ${HELD_MIB} MiB held`;
      return makeRow({ id: 'start-held', measure, unit: 'ms' }, values, 'runlet', HELD_BOUNDS);
    }),
};

/**
 * @param {number} pid of the process that starts others
 * @param {() => Promise<{ starts: number }>} start has it do so
 * @returns {Promise<number>} in milliseconds for each start
 */
async function cpuOfStart(pid, start) {
  const before = cpuMs(pid);
  const { starts } = await start();
  return (cpuMs(pid) - before) / starts;
}

/**
 * Measures contenders in turns, once more than is counted.
 *
 * @param {Record<string, () => Promise<number>>} contenders
 */
async function measureInTurns(contenders) {
  const each = Object.entries(contenders);
  await inTurns(each, 1, ([, measure]) => measure());
  const rounds = await inTurns(each, ROUNDS, ([, measure]) => measure());
  return each.map(([contender], index) => ({ contender, rounds: rounds[index] ?? [] }));
}
