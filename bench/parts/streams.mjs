// @ts-check
import { compileProgram, findCompiler } from '../lib/c-program.mjs';
import { gather } from '../lib/field.mjs';
import { BY_H2LOAD, h2loadContender, loadRuns } from '../lib/h2load.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { sumUsage } from '../lib/tree-usage.mjs';

/** @import { Entrant } from '../lib/field.mjs' */
/** @import { Options, Result } from '../lib/part.mjs' */
/** @import { Row, Target } from '../lib/row.mjs' */

export const name = 'streams';
export const summary = 'how fast bytes get out of processes and into them, beside the alternatives';

const MIB = 1024 * 1024;
const NAMES = ['runlet', 'exec-server', 'ssh', 'child_process', 'C'];

/**
 * What is moved. `rounds`: the first of them is not counted, since code has to be compiled.
 *
 * @typedef {object} Load
 * @property {string} id
 * @property {string} text
 * @property {number} bytes
 * @property {number} rounds
 * @property {(flood: string, bytes: number) => { measure: string, request: object }} ask
 * @property {Record<string, Target | undefined>} targets
 */

const NO_TARGETS = {
  'exec-server': undefined,
  ssh: undefined,
  child_process: undefined,
  C: undefined,
};

/** @type {Load[]} */
const LOADS = [
  {
    id: 'output',
    text: '1 GiB of output to one client',
    bytes: 1024 * MIB,
    rounds: 4,
    ask: (flood, bytes) => printed([flood, 'blocks', `${bytes}`], bytes),
    targets: { ...NO_TARGETS, 'exec-server': { least: 1.2 }, ssh: { least: 1.2 } },
  },
  {
    id: 'lines',
    text: '1,000,000 lines of 20 bytes',
    bytes: 20_000_000,
    rounds: 6,
    ask: (flood, bytes) => printed([flood, 'stdio', `${bytes}`], bytes),
    targets: NO_TARGETS,
  },
  {
    id: 'stdin',
    text: '256 MiB of input',
    bytes: 256 * MIB,
    rounds: 4,
    ask: (_, bytes) => ({
      measure: 'stdin',
      request: {
        bytes,
        argv: ['/bin/sh', '-c', `exec head -c ${bytes} > /dev/null`],
        size: 65_536,
      },
    }),
    targets: NO_TARGETS,
  },
];

/**
 * Measures.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run(options) {
  const flood = compileProgram(findCompiler(), new URL('../flood.c', import.meta.url));
  const field = await gather(NAMES, options);
  const generator = h2loadContender();
  const rows = [];
  for (const load of LOADS) {
    options.say(load.text);
    rows.push(await measure(field.entrants, load, flood, generator.missing === undefined));
  }
  await field.stop();
  return { contenders: [...field.contenders, generator], rows };
}

/**
 * @param {string[]} argv
 * @param {number} bytes
 */
function printed(argv, bytes) {
  return { measure: 'output', request: { bytes, argv } };
}

/**
 * @param {readonly Entrant[]} entrants
 * @param {Load} load
 * @param {string} flood the path of the program that prints
 * @param {boolean} generator whether h2load is there
 * @returns {Promise<Row>}
 */
async function measure(entrants, { id, text, bytes, rounds, ask, targets }, flood, generator) {
  const { measure, request } = ask(flood, bytes);
  const all = entrants.map(({ name: contender, ask, watch }) => ({
    contender,
    watch,
    move: async () => {
      const { seconds } = /** @type {{ seconds: number }} */ (await ask(measure, request));
      return seconds;
    },
  }));
  const [runlet] = entrants;
  // What it sends is one message, which is not what stdin takes.
  if (generator && runlet !== undefined && measure === 'output') {
    const { argv } = /** @type {{ argv: string[] }} */ (request);
    all.push({
      contender: BY_H2LOAD,
      watch: runlet.watch,
      move: () => loadRuns(runlet.address, argv, { calls: 1, atOnce: 1, leastBytes: bytes }),
    });
  }
  const found = await inTurns(all, rounds, async ({ move, watch }) => {
    const end = watch();
    const seconds = await move();
    return { rate: bytes / MIB / seconds, usage: end() };
  });
  const values = all.map(({ contender }, index) => {
    const counted = (found[index] ?? []).slice(1);
    return {
      contender,
      rounds: counted.map(({ rate }) => rate),
      usage: sumUsage(counted.map(({ usage }) => usage)),
    };
  });
  const subject = all.some(({ contender }) => contender === BY_H2LOAD) ? BY_H2LOAD : 'runlet';
  return makeRow({ id, measure: text, unit: 'MiB/s' }, values, subject, targets);
}
