// @ts-check
import { fileURLToPath } from 'node:url';
import { compileProgram, findCompiler } from '../lib/c-program.mjs';
import { startContender } from '../lib/contender.mjs';
import { describeMachine, machineLine } from '../lib/machine.mjs';
import { writeResult } from '../lib/results.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median, quantile, summarize } from '../lib/statistics.mjs';
import { markdownTable } from '../lib/table.mjs';

/** @import { Contender } from '../lib/contender.mjs' */
/** @import { Summary } from '../lib/statistics.mjs' */

export const name = 'launchers';
export const summary = 'how fast processes start, with each launcher and with C alone';

/** What is resident in the process that starts, in MiB: a fresh server, and a full one. */
const SIZES_MIB = [60, 1024];

/** How many processes there are at once while the rate is measured. */
const AT_ONCE = [1, 8, 32, 64];

/** The first is what the others are compared to. */
const CONTENDERS = ['bound', 'posix_spawn', 'child_process'];

/** Rounds of each measurement: an odd number, so that the median is one of them. */
const ROUNDS = 5;

/**
 * How long a contender is measured in a round, in seconds: some hundred starts, and ten
 * where each takes 50 ms. A rate takes longer by what was started in time.
 */
const LATENCY_SECONDS = 0.8;
const RATE_SECONDS = 0.4;

/** How long a contender runs before it is measured, in seconds: code has to be compiled. */
const WARM_UP_SECONDS = 0.6;

/** How many times as long as the bound this contender shall take at most. */
const TARGET = 2.5;
const TARGETED = 'posix_spawn';

/** Not held to the target: the slowest start in a hundred is the machine's own more often. */
const P99 = 'latency, p99';

/**
 * One number of a measurement, such as the median latency, of all contenders.
 *
 * @typedef {object} Row
 * @property {string} measure what it is of
 * @property {'ms' | 'starts/s'} unit
 * @property {number} sizeMib what the contenders hold
 * @property {{ name: string, rounds: number[], value: Summary, ratio: Summary }[]} contenders
 *   `ratio`: how many times as long as the bound of the same round it took
 */

/** Measures, prints and writes the results. Takes about 80 seconds. */
export async function run() {
  const compiler = findCompiler();
  const bound = compileProgram(compiler, new URL('../posix-spawn-bound.c', import.meta.url));
  const machine = describeMachine();
  const resident = [];
  const rows = [];
  for (const sizeMib of SIZES_MIB) {
    const contenders = await startAll(bound, sizeMib);
    resident.push(...contenders.map(({ name, residentMib }) => ({ sizeMib, name, residentMib })));
    rows.push(...(await measureSize(contenders, sizeMib)));
    await Promise.all(contenders.map(({ stop }) => stop()));
  }
  const path = writeResult(name, { machine, compiler: compiler.version, resident, rows });
  process.stdout.write(`${report(rows)}\n\n`);
  process.stdout.write(`${targetLine(rows)}\n\n`);
  process.stdout.write(`${machineLine(machine)}\n\nresults: ${path}\n`);
}

/**
 * Starts the contenders; resolves when all hold their memory.
 *
 * @param {string} bound the path of the program
 * @param {number} sizeMib what each holds
 * @returns {Promise<Contender[]>} in the order of `CONTENDERS`
 */
function startAll(bound, sizeMib) {
  const script = fileURLToPath(new URL('../launcher-contender.mjs', import.meta.url));
  return Promise.all(
    CONTENDERS.map((name) =>
      name === 'bound'
        ? startContender(name, bound, [`${sizeMib}`])
        : startContender(name, process.execPath, [script, name, `${sizeMib}`]),
    ),
  );
}

/**
 * Takes all measurements with contenders of one size.
 *
 * @param {readonly Contender[]} contenders
 * @param {number} sizeMib
 * @returns {Promise<Row[]>}
 */
async function measureSize(contenders, sizeMib) {
  say(`${sizeMib} MiB: warm-up`);
  await inTurns(contenders, 1, ({ ask }) => ask(`latency ${WARM_UP_SECONDS}`));
  await inTurns(contenders, 1, ({ ask }) => ask(`rate ${WARM_UP_SECONDS} 8`));
  say(`${sizeMib} MiB: latency`);
  const latencies = await inTurns(contenders, ROUNDS, ({ ask }) => latency(ask));
  const rows = [
    makeRow('latency, median', 'ms', sizeMib, mapRounds(latencies, median)),
    makeRow(P99, 'ms', sizeMib, mapRounds(latencies, p99)),
  ];
  for (const atOnce of AT_ONCE) {
    say(`${sizeMib} MiB: ${atOnce} at once`);
    const rates = await inTurns(contenders, ROUNDS, ({ ask }) => rate(ask, atOnce));
    rows.push(makeRow(`rate, ${atOnce} at once`, 'starts/s', sizeMib, rates));
  }
  return rows;
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

/** @param {readonly number[]} values */
function p99(values) {
  return quantile(values, 0.99);
}

/**
 * Makes one value of each round into another.
 *
 * @template Value, Result
 * @param {readonly (readonly Value[])[]} values of each contender, of each round
 * @param {(value: Value) => Result} map
 * @returns {Result[][]}
 */
function mapRounds(values, map) {
  return values.map((rounds) => rounds.map(map));
}

/**
 * Puts the rounds together, and compares each to the bound of the same round.
 *
 * @param {string} measure
 * @param {Row['unit']} unit
 * @param {number} sizeMib
 * @param {readonly (readonly number[])[]} values of each contender, of each round
 * @returns {Row}
 */
function makeRow(measure, unit, sizeMib, values) {
  const bounds = values[0] ?? [];
  const ratio = (/** @type {number} */ value, /** @type {number} */ round) => {
    const bound = bounds[round] ?? Number.NaN;
    return unit === 'ms' ? value / bound : bound / value;
  };
  const contenders = values.map((rounds, index) => ({
    name: CONTENDERS[index] ?? '',
    rounds: [...rounds],
    value: summarize(rounds),
    ratio: summarize(rounds.map(ratio)),
  }));
  return { measure, unit, sizeMib, contenders };
}

/**
 * Lays out what a reader wants first: the bound itself, and how the others compare.
 *
 * @param {readonly Row[]} rows
 * @returns {string} a table
 */
function report(rows) {
  const [bound, ...others] = CONTENDERS;
  return markdownTable(
    ['/bin/true', 'resident', `${bound}`, ...others],
    rows.map(({ measure, unit, sizeMib, contenders: [first, ...rest] }) => [
      measure,
      `${sizeMib} MiB`,
      `${first?.value.median.toFixed(unit === 'ms' ? 2 : 0)} ${unit}`,
      ...rest.map(({ ratio }) => formatRatio(ratio)),
    ]),
  );
}

/** @param {Summary} ratio */
function formatRatio({ median, least, greatest }) {
  return `${median.toFixed(2)} (${least.toFixed(2)} to ${greatest.toFixed(2)})`;
}

/**
 * Says whether the target is met.
 *
 * @param {readonly Row[]} rows
 * @returns {string} what missed it, and by how much, is named
 */
function targetLine(rows) {
  const missed = rows
    .filter(({ measure }) => measure !== P99)
    .flatMap(({ measure, sizeMib, contenders }) =>
      contenders
        .filter(({ name, ratio }) => name === TARGETED && ratio.median > TARGET)
        .map(({ ratio }) => `${measure}, ${sizeMib} MiB: ${ratio.median.toFixed(2)}`),
    );
  const verdict = missed.length === 0 ? 'met' : `missed (${missed.join('; ')})`;
  return `${TARGETED} within ${TARGET} times of the bound, but for the p99: ${verdict}`;
}

/** @param {string} what is being done */
function say(what) {
  process.stderr.write(`launchers: ${what}\n`);
}
