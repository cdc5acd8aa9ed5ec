// @ts-check
import { fileURLToPath } from 'node:url';
import { compileProgram, findCompiler } from '../lib/c-program.mjs';
import { startContender } from '../lib/contender.mjs';
import { MissingError } from '../lib/missing-error.mjs';
import { profileArgs } from '../lib/profile.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { makeRow } from '../lib/row.mjs';
import { median, quantile } from '../lib/statistics.mjs';

/** @import { Contender } from '../lib/contender.mjs' */
/** @import { Options, Result } from '../lib/part.mjs' */
/** @import { Row, Target, Value } from '../lib/row.mjs' */

export const name = 'launchers';
export const summary = 'how fast processes start, with each launcher and with C alone';

/** What is resident in the process that starts, in MiB: a fresh server, and a full one. */
const SIZES_MIB = [60, 1024];

/** How many processes there are at once while the rate is measured. */
const AT_ONCE = [1, 8, 32, 64];

/** The launcher that is compared to the others. */
const SUBJECT = 'posix_spawn';
const LAUNCHERS = [SUBJECT, 'child_process'];

/** Rounds of each measurement: an odd number, so that the median is one of them. */
const ROUNDS = 5;

/**
 * How long a contender is measured in a round, in seconds: some hundred starts, and a few
 * where each takes 50 ms. A rate takes longer by what was started in time.
 */
const LATENCY_SECONDS = 0.6;
const RATE_SECONDS = 0.25;

/** How long a contender runs before it is measured, in seconds: code has to be compiled. */
const WARM_UP_SECONDS = 0.4;

/** A start shall take at most 2.5 times as long as the bound does. */
const LATENCY_TARGET = { most: 2.5 };
const RATE_TARGET = { least: 1 / LATENCY_TARGET.most };

/**
 * Takes less than a minute.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  const { program, ...bound } = compileBound();
  const rows = [];
  for (const sizeMib of SIZES_MIB) {
    const contenders = await startAll(program, sizeMib, profileFolder);
    const sayMore = (/** @type {string} */ what) => say(`${sizeMib} MiB: ${what}`);
    rows.push(...(await measureSize(contenders, sizeMib, sayMore)));
    await Promise.all(contenders.map(({ stop }) => stop()));
  }
  return {
    contenders: [
      { name: SUBJECT, about: 'the launcher that the server uses by default' },
      { name: 'bound', ...bound },
      { name: 'child_process', about: 'the launcher that it uses elsewhere: that of Node.js' },
    ],
    rows,
  };
}

/**
 * @returns {{ program?: string, about: string, missing?: string }} of the bound
 */
function compileBound() {
  const about = 'a C program that calls posix_spawn(3) and does nothing else';
  try {
    const compiler = findCompiler();
    const program = compileProgram(compiler, new URL('../posix-spawn-bound.c', import.meta.url));
    return { program, about: `${about}, by ${compiler.version}` };
  } catch (error) {
    if (!(error instanceof MissingError)) throw error;
    return { about, missing: error.what };
  }
}

/**
 * Starts the contenders; resolves when all hold their memory.
 *
 * @param {string | undefined} bound the path of the program, if there is one
 * @param {number} sizeMib what each holds
 * @param {string | undefined} profileFolder
 * @returns {Promise<Contender[]>} the bound first
 */
function startAll(bound, sizeMib, profileFolder) {
  const script = fileURLToPath(new URL('../launcher-contender.mjs', import.meta.url));
  const launchers = LAUNCHERS.map((name) => {
    const options = profileArgs(name === SUBJECT ? profileFolder : undefined);
    return startContender(name, process.execPath, [...options, script, name, `${sizeMib}`]);
  });
  if (bound === undefined) return Promise.all(launchers);
  return Promise.all([startContender('bound', bound, [`${sizeMib}`]), ...launchers]);
}

/**
 * Takes all measurements with contenders of one size.
 *
 * @param {readonly Contender[]} contenders
 * @param {number} sizeMib
 * @param {Options['say']} say
 * @returns {Promise<Row[]>}
 */
async function measureSize(contenders, sizeMib, say) {
  say('warm-up');
  await inTurns(contenders, 1, ({ ask }) => ask(`latency ${WARM_UP_SECONDS}`));
  await inTurns(contenders, 1, ({ ask }) => ask(`rate ${WARM_UP_SECONDS} 8`));
  const residentMib = Object.fromEntries(contenders.map((one) => [one.name, one.residentMib]));
  const about = (/** @type {string} */ measure) => ({
    id: `${measure.replaceAll(' ', '-')}-${sizeMib}-mib`,
    measure: `${measure}, ${sizeMib} MiB resident`,
    details: { residentMib },
  });
  say('latency');
  const latencies = await inTurns(contenders, ROUNDS, ({ ask }) => latency(ask));
  const values = latencies.map((rounds, index) => ({
    ...valuesOf(contenders[index], rounds.map(median)),
    p99: rounds.map((round) => quantile(round, 0.99)),
  }));
  const rows = [compare({ ...about('latency'), unit: 'ms' }, values, LATENCY_TARGET)];
  for (const atOnce of AT_ONCE) {
    say(`${atOnce} at once`);
    const rates = await inTurns(contenders, ROUNDS, ({ ask }) => rate(ask, atOnce));
    const values = rates.map((rounds, index) => valuesOf(contenders[index], rounds));
    rows.push(compare({ ...about(`${atOnce} at once`), unit: 'starts/s' }, values, RATE_TARGET));
  }
  return rows;
}

/**
 * @param {Parameters<typeof makeRow>[0]} about
 * @param {Value[]} values
 * @param {Target} target of the ratio to the bound
 */
function compare(about, values, target) {
  return makeRow(about, values, SUBJECT, { bound: target, child_process: undefined });
}

/**
 * @param {Contender | undefined} contender
 * @param {number[]} rounds
 * @returns {Value}
 */
function valuesOf(contender, rounds) {
  return { contender: contender?.name ?? '', rounds };
}

/**
 * Has a contender measure latencies for a round.
 *
 * @param {Contender['ask']} ask
 * @returns {Promise<number[]>} of each start of a round, in milliseconds
 */
async function latency(ask) {
  const answer = await ask(`latency ${LATENCY_SECONDS}`);
  return /** @type {{ latenciesMs: number[] }} */ (answer).latenciesMs;
}

/**
 * Has a contender measure its rate for a round.
 *
 * @param {Contender['ask']} ask
 * @param {number} atOnce
 * @returns {Promise<number>} starts per second
 */
async function rate(ask, atOnce) {
  const answer = await ask(`rate ${RATE_SECONDS} ${atOnce}`);
  const { starts, seconds } = /** @type {{ starts: number, seconds: number }} */ (answer);
  return starts / seconds;
}
