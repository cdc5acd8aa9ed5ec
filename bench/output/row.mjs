// @ts-check
import { summarize } from '../lib/statistics.mjs';

/** @import { Summary } from '../lib/statistics.mjs' */

/**
 * A ratio of two things that were measured right after one another, in several rounds.
 *
 * @typedef {object} Row
 * @property {string} measure what it is of
 * @property {string} value what one of the two was, in the round in the middle; for a reader
 * @property {Summary} ratio
 * @property {number[]} rounds the ratio of each
 * @property {{ least: number } | { most: number } | undefined} target what the ratio shall be;
 *   undefined: it is only there to explain others
 * @property {unknown} details numbers behind it
 */

/**
 * Puts the rounds of a measurement together.
 *
 * @param {string} measure
 * @param {string} value
 * @param {number[]} rounds the ratio of each
 * @param {Row['target']} target
 * @param {unknown} details
 * @returns {Row}
 */
export function makeRow(measure, value, rounds, target, details) {
  return { measure, value, ratio: summarize(rounds), rounds, target, details };
}

/**
 * Whether the median of the rounds is what it shall be.
 *
 * @param {Row} row
 * @returns {boolean} true where nothing is asked
 */
export function isMet({ ratio, target }) {
  if (target === undefined) return true;
  return 'least' in target ? ratio.median >= target.least : ratio.median <= target.most;
}
