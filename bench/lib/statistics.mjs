// @ts-check

/**
 * What a number was in several rounds.
 *
 * @typedef {object} Summary
 * @property {number} median
 * @property {number} least
 * @property {number} greatest
 */

/**
 * The number that a share of all numbers do not exceed (nearest rank).
 *
 * @param {readonly number[]} values at least one
 * @param {number} share above 0, up to 1
 * @returns {number} one of them
 */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.ceil(share * sorted.length) - 1];
  if (value === undefined) throw new Error('there is no quantile of nothing');
  return value;
}

/**
 * The number in the middle, or the mean of the two that are.
 *
 * @param {readonly number[]} values at least one
 * @returns {number}
 */
export function median(values) {
  const upper = values.map((value) => -value);
  return (quantile(values, 0.5) - quantile(upper, 0.5)) / 2;
}

/**
 * Puts the rounds of a measurement together.
 *
 * @param {readonly number[]} values one of each round
 * @returns {Summary}
 */
export function summarize(values) {
  return { median: median(values), least: Math.min(...values), greatest: Math.max(...values) };
}
