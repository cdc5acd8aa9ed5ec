// @ts-check

import { residentMib } from '../lib/resident.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { isMet, makeRow } from '../lib/row.mjs';
import { ask, onStage } from './stage.mjs';
import { cpuMs } from './usage.mjs';

/** @import { Value } from '../lib/row.mjs' */
/** @import { Check } from './judge.mjs' */

const MIB = 1024 * 1024;
const ROUNDS = 5;
const ROUND_SECONDS = 0.4;
const AT_ONCE = 8;

/**
 * Today 1.5 to 3. Nothing that is known to go wrong comes near the bound: it is there for
 * what is not known.
 */
const START_BOUNDS = { child_process: { most: 10 } };

/** So often the rounds are repeated while it is undecided whether any run is spared. */
const MORE_TURNS = 4;

/** So much that to copy its page tables takes many times as long as all else of a start. */
const HELD_MIB = 1024;

/** Today 0.1 to 0.5, and 1.1 to 2.7 where the server forks. */
const HELD_BOUNDS = { child_process: { most: 0.75 } };

/**
 * How long a run of `/bin/true` by a server takes at least, compared to one by Node.js alone.
 * All that a busy machine does to a run is to lengthen it, and some are spared. There is none
 * in C to compare to: it waits for its turn less often than the others, and is spared more.
 *
 * @type {Check}
 */
export const start = {
  id: 'start',
  measure: (setup) =>
    onStage(setup, async ({ node, serve, socket }) => {
      await serve();
      const [runlet, childProcess] = await Promise.all([
        node('executors/driver.mjs', 'runlet', socket),
        node('executors/driver.mjs', 'child_process'),
      ]);
      const latency = { measure: 'latency', seconds: ROUND_SECONDS };
      const contenders = {
        runlet: async () => Math.min(...(await ask(runlet, latency))),
        child_process: async () => Math.min(...(await ask(childProcess, latency))),
      };
      const about = /** @type {const} */ ({ id: 'start', measure: 'start, least', unit: 'ms' });
      /** @type {Value[]} */
      let values = [];
      for (let turn = 0; ; turn += 1) {
        values = leastOf([...values, ...(await measureInTurns(contenders))]);
        const row = makeRow(about, values, 'runlet', START_BOUNDS);
        if (row.ratios.every(isMet) || turn === MORE_TURNS) return row;
      }
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
      const [client, runlet, forking] = await Promise.all([
        node('output-client.mjs', socket, bareSocket),
        node('executors/driver.mjs', 'runlet', socket),
        node('launcher-contender.mjs', 'child_process', `${HELD_MIB}`),
      ]);
      const bytes = HELD_MIB * MIB;
      const order = { argv: [setup.flood, 'bulk', `${bytes}`], retainedBytes: bytes };
      await ask(client, { command: 'fill', order });
      const held = residentMib(server);
      if (held < HELD_MIB) throw new Error(`the server holds ${held} MiB only`);
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

/**
 * Makes one value of all that a contender has, with one round: the least.
 *
 * @param {readonly Value[]} values
 * @returns {Value[]}
 */
function leastOf(values) {
  /** @type {Map<string, number>} */
  const least = new Map();
  for (const { contender, rounds } of values) {
    least.set(contender, Math.min(least.get(contender) ?? Number.POSITIVE_INFINITY, ...rounds));
  }
  return [...least].map(([contender, value]) => ({ contender, rounds: [value] }));
}
