// @ts-check
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { median } from '../lib/statistics.mjs';
import { ask, onStage } from './stage.mjs';
import { cpuMs, residentMib } from './usage.mjs';

/** @import { Check } from './judge.mjs' */

const MIB = 1024 * 1024;
const ROUNDS = 5;
const ROUND_SECONDS = 0.4;
const LATENCY = { measure: 'latency', seconds: ROUND_SECONDS };

/**
 * Today 1.5 to 4. Nothing that is known to go wrong comes near the bound: it is there for
 * what is not known.
 */
const MOST_OF_CHILD_PROCESS = 10;

/** So much that to copy its page tables takes many times as long as all else of a start. */
const HELD_MIB = 1024;

/** Today 30 to 120, and 320 to 670 where the server forks. */
const MOST_OF_C = 200;

/**
 * How long a run of `/bin/true` by a server takes, compared to one by Node.js alone.
 *
 * @type {Check}
 */
export const start = {
  id: 'start',
  measure: (setup) =>
    onStage(setup, async ({ node, serve, socket }) => {
      await serve();
      const runlet = await node('executors/driver.mjs', 'runlet', socket);
      const childProcess = await node('executors/driver.mjs', 'child_process');
      const values = await measureInTurns({
        runlet: async () => median(await ask(runlet, LATENCY)),
        child_process: async () => median(await ask(childProcess, LATENCY)),
      });
      return makeRow({ id: 'start', measure: 'start, p50', unit: 'ms' }, values, 'runlet', {
        child_process: { most: MOST_OF_CHILD_PROCESS },
      });
    }),
};

/**
 * What such a run costs a server in time of processors that holds much memory, as the
 * output of a process that it retains; compared to what a start costs a program in C that
 * holds as much. A fork copies the page tables of all that, in the time of the process
 * that forks; posix_spawn(3) does not. What the child takes belongs to neither.
 *
 * @type {Check}
 */
export const startHeld = {
  id: 'start-held',
  measure: (setup) =>
    onStage(setup, async ({ bareSocket, node, program, serve, socket }) => {
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
      const bound = await program(setup.bound, `${HELD_MIB}`);
      const values = await measureInTurns({
        runlet: () => cpuOfStart(server, () => ask(runlet, LATENCY)),
        C: () =>
          cpuOfStart(bound.pid, async () => {
            const answer = await bound.ask(`latency ${ROUND_SECONDS}`);
            return /** @type {{ latenciesMs: number[] }} */ (answer).latenciesMs;
          }),
      });
      const measure = `CPU per start, ${HELD_MIB} MiB held`;
      return makeRow({ id: 'start-held', measure, unit: 'ms' }, values, 'runlet', {
        C: { most: MOST_OF_C },
      });
    }),
};

/**
 * @param {number} pid of the process that starts others
 * @param {() => Promise<number[]>} start has it do so; resolves with a number for each
 * @returns {Promise<number>} in milliseconds for each start
 */
async function cpuOfStart(pid, start) {
  const before = cpuMs(pid);
  const { length } = await start();
  return (cpuMs(pid) - before) / length;
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
