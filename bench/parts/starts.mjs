// @ts-check
import { gather } from '../lib/field.mjs';
import { BY_H2LOAD, h2loadContender, loadRuns } from '../lib/h2load.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { median, quantile } from '../lib/statistics.mjs';
import { sumUsage } from '../lib/tree-usage.mjs';

/** @import { Entrant } from '../lib/field.mjs' */
/** @import { Options, Result } from '../lib/part.mjs' */
/** @import { Row, Target, Usage, Value } from '../lib/row.mjs' */

export const name = 'starts';
export const summary = 'how long a start takes, and how many are possible, beside the alternatives';

const NAMES = ['runlet', 'exec-server', 'ssh', 'child_process', 'C'];

const AT_ONCE = [1, 8, 32, 128];

/** Rounds of each measurement: an odd number, so that the median is one of them. */
const ROUNDS = 5;
const RATE_ROUNDS = 3;
/** How long each is measured in a round, in seconds. */
const LATENCY_SECONDS = 0.6;
const RATE_SECONDS = 0.8;
const WARM_UP_SECONDS = 1;
const WARM_UP_CALLS = 3_000;

/** An answer of `Run` is longer; one that says an error has none. */
const LEAST_ANSWER_BYTES = 60;

/** @typedef {Record<string, Target | undefined>} Targets */

/** @type {{ id: string, measure: string, text: string, targets: Targets }[]} */
const LATENCIES = [
  {
    id: 'start-to-closed',
    measure: 'latency',
    text: '/bin/true, start to closed',
    targets: {
      'exec-server': { most: 0.1 },
      ssh: { most: 0.25 },
      child_process: undefined,
      C: undefined,
    },
  },
  {
    id: 'first-byte',
    measure: 'firstByte',
    text: 'first byte of output',
    targets: { 'exec-server': undefined, ssh: undefined, child_process: undefined, C: undefined },
  },
  {
    id: 'echo',
    measure: 'echo',
    text: 'a byte through cat and back',
    targets: {
      'exec-server': { most: 0.05 },
      ssh: undefined,
      child_process: undefined,
      C: undefined,
    },
  },
];

/**
 * Measures.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run(options) {
  const field = await gather(NAMES, options);
  const { entrants } = field;
  options.say('warm-up');
  for (const entrant of entrants) {
    for (const { measure } of LATENCIES)
      await entrant.ask(measure, { seconds: WARM_UP_SECONDS / 2 });
    await entrant.ask('rate', { seconds: WARM_UP_SECONDS, atOnce: 8 });
  }
  const rows = [];
  for (const { id, measure, text, targets } of LATENCIES) {
    options.say(text);
    rows.push(await latencies(entrants, { id, measure, text, targets }));
  }
  const generator = h2loadContender();
  const load = generator.missing === undefined ? await makeLoad(entrants) : undefined;
  for (const atOnce of AT_ONCE) {
    options.say(`${atOnce} at once`);
    rows.push(await rates(entrants, load, atOnce));
  }
  await field.stop();
  return { contenders: [...field.contenders, generator], rows };
}

/**
 * @param {readonly Entrant[]} entrants
 * @param {typeof LATENCIES[number]} what
 * @returns {Promise<Row>}
 */
async function latencies(entrants, { id, measure, text, targets }) {
  const rounds = await inTurns(entrants, ROUNDS, async ({ ask, watch }) => {
    const end = watch();
    /** @type {number[]} */
    const times = await ask(measure, { seconds: LATENCY_SECONDS });
    return { p50: median(times), p99: quantile(times, 0.99), usage: end() };
  });
  const values = entrants.map(({ name: contender }, index) => {
    const own = rounds[index] ?? [];
    return {
      contender,
      rounds: own.map(({ p50 }) => p50),
      p99: own.map(({ p99 }) => p99),
      usage: sumUsage(own.map(({ usage }) => usage)),
    };
  });
  return makeRow({ id, measure: text, unit: 'ms' }, values, 'runlet', targets);
}

/**
 * @param {readonly Entrant[]} entrants
 * @param {((atOnce: number) => Promise<number>) | undefined} load starts per second of runlet
 *   by h2load, which leaves the processors to the server; undefined: it is not there
 * @param {number} atOnce
 * @returns {Promise<Row>}
 */
async function rates(entrants, load, atOnce) {
  /** @type {{ name: string, measure: () => Promise<number>, watch: () => () => Usage }[]} */
  const all = entrants.map((entrant) => ({
    name: entrant.name,
    measure: async () => {
      const { starts, seconds } = await entrant.ask('rate', { seconds: RATE_SECONDS, atOnce });
      return starts / seconds;
    },
    watch: entrant.watch,
  }));
  const [runlet] = entrants;
  if (load !== undefined && runlet !== undefined) {
    all.push({ name: BY_H2LOAD, measure: () => load(atOnce), watch: runlet.watch });
  }
  const rounds = await inTurns(all, RATE_ROUNDS, async ({ measure, watch }) => {
    const end = watch();
    return { rate: await measure(), usage: end() };
  });
  /** @type {Value[]} */
  const values = all.map(({ name: contender }, index) => ({
    contender,
    rounds: (rounds[index] ?? []).map(({ rate }) => rate),
    usage: sumUsage((rounds[index] ?? []).map(({ usage }) => usage)),
  }));
  const subject = load === undefined ? 'runlet' : BY_H2LOAD;
  const target = atOnce === 32 ? { least: 5 } : undefined;
  return makeRow(
    { id: `rate-${atOnce}`, measure: `/bin/true, ${atOnce} at once`, unit: 'starts/s' },
    values,
    subject,
    { 'exec-server': target, ssh: undefined, child_process: undefined, C: undefined },
  );
}

/**
 * @param {readonly Entrant[]} entrants
 * @returns {Promise<(atOnce: number) => Promise<number>>} starts per second
 */
async function makeLoad([runlet]) {
  const rate = async (/** @type {number} */ calls, /** @type {number} */ atOnce) => {
    const options = { calls, atOnce, leastBytes: LEAST_ANSWER_BYTES };
    return calls / (await loadRuns(runlet?.address ?? '', ['/bin/true'], options));
  };
  // So many that it takes about as long as the others.
  const calls = Math.round((await rate(WARM_UP_CALLS, 8)) * RATE_SECONDS);
  return (atOnce) => rate(calls, atOnce);
}
