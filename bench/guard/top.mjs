// @ts-check
import { makeRow } from '../lib/row.mjs';
import { ask, onStage } from './stage.mjs';
import { cpuMs } from './usage.mjs';

/** @import { Contender } from '../lib/contender.mjs' */
/** @import { Check } from './judge.mjs' */

const ROUNDS = 5;
const PROCESSES = 200;

/** So many looks that what processes use is looked at once among them. */
const LOOKS = 3;

/** For code to be compiled, and for the heap to have become as small as it becomes after so many starts. */
const LOOKS_BEFORE = 9;

/** Today 0.003 to 0.007, and somewhat more where others need the processors. */
const MOST_OF_A_CORE = 0.02;

/**
 * What it costs a server in time of processors that `runlet top` watches many processes which do
 * nothing: compared to the time that passes.
 *
 * @type {Check}
 */
export const top = {
  id: 'top',
  measure: (setup) =>
    onStage(setup, async ({ node, serve, socket }) => {
      const server = await serve();
      const watcher = await node('top-client.mjs', socket, `${PROCESSES}`);
      await look(watcher, LOOKS_BEFORE);
      /** @type {{ cpu: number, passed: number }[]} */
      const rounds = [];
      while (rounds.length < ROUNDS) {
        const [cpuBefore, began] = [cpuMs(server), performance.now()];
        await look(watcher, LOOKS);
        rounds.push({ cpu: cpuMs(server) - cpuBefore, passed: performance.now() - began });
      }
      const measure = `CPU while ${PROCESSES} processes are watched`;
      const values = [
        { contender: 'runlet', rounds: rounds.map(({ cpu }) => cpu) },
        { contender: 'one core', rounds: rounds.map(({ passed }) => passed) },
      ];
      const bounds = { 'one core': { most: MOST_OF_A_CORE } };
      return makeRow({ id: 'top', measure, unit: 'ms' }, values, 'runlet', bounds);
    }),
};

/**
 * @param {Contender} watcher
 * @param {number} rounds
 */
async function look(watcher, rounds) {
  /** @type {{ processes: number }} */
  const { processes } = await ask(watcher, { rounds });
  if (processes !== PROCESSES) throw new Error(`${processes} processes are told`);
}
