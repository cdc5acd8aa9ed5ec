// @ts-check
import { summarize } from './statistics.mjs';

/** @import { Summary } from './statistics.mjs' */

/**
 * One thing that was measured, of all contenders, in turns.
 *
 * @typedef {object} Row
 * @property {string} id names it in files, in kebab-case, unique in its part
 * @property {string} measure what it is of, for a reader
 * @property {'ms' | 's' | 'starts/s' | 'MiB/s' | 'KiB' | 'MiB' | 'ns/byte'} unit
 * @property {Value[]} values one of each contender that was measured
 * @property {Ratio[]} ratios
 * @property {unknown} [details] numbers behind it
 */

/**
 * What was measured of one contender.
 *
 * @typedef {object} Value
 * @property {string} contender
 * @property {number[]} rounds the number of each round; of latencies the median
 * @property {number[]} [p99] of latencies the 99th percentile of each round
 * @property {Usage} [usage] of its server, over all rounds
 */

/**
 * What a server and all that it started used while a row was measured.
 *
 * @typedef {object} Usage
 * @property {number} cpuSeconds
 * @property {number} peakMib the most resident memory that was seen
 */

/**
 * One contender's numbers divided by another's of the same round.
 *
 * @typedef {object} Ratio
 * @property {string} of a contender
 * @property {string} to another
 * @property {number[]} rounds
 * @property {Summary} summary
 * @property {Target} [target] what the median shall be; none: it is only there to be read
 */

/** @typedef {{ least: number } | { most: number }} Target */

/**
 * Puts what was measured together, and compares one contender to the others.
 *
 * @param {Pick<Row, 'id' | 'measure' | 'unit' | 'details'>} about
 * @param {Value[]} values
 * @param {string} of the one that is compared
 * @param {Record<string, Target | undefined>} to those to which it is compared, if they
 *   were measured, and what the ratio shall be
 * @returns {Row}
 */
export function makeRow(about, values, of, to) {
  return { ...about, values, ratios: ratiosOf(values, of, to) };
}

/**
 * Compares one contender to others, round by round.
 *
 * @param {readonly Value[]} values
 * @param {string} of the one that is compared
 * @param {Record<string, Target | undefined>} to as for {@link makeRow}
 * @returns {Ratio[]}
 */
export function ratiosOf(values, of, to) {
  const subject = values.find(({ contender }) => contender === of);
  return Object.entries(to).flatMap(([name, target]) => {
    const base = values.find(({ contender }) => contender === name);
    if (subject === undefined || base === undefined) return [];
    const rounds = subject.rounds.map((value, round) => value / (base.rounds[round] ?? Number.NaN));
    const ratio = { of, to: name, rounds, summary: summarize(rounds) };
    return [target === undefined ? ratio : { ...ratio, target }];
  });
}

/**
 * Whether the median of the rounds is what it shall be.
 *
 * @param {Ratio} ratio
 * @returns {boolean} true where nothing is asked
 */
export function isMet({ summary, target }) {
  if (target === undefined) return true;
  return 'least' in target ? summary.median >= target.least : summary.median <= target.most;
}
