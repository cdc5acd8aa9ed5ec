// @ts-check

/** @import { Summary } from '../lib/statistics.mjs' */
/** @import { Target } from '../lib/row.mjs' */

/**
 * A number with as many digits as its measuring deserves: three that count.
 *
 * @param {number} value
 * @returns {string}
 */
export function formatNumber(value) {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return 'none';
  if (size >= 99.95) return Math.round(value).toLocaleString('en-US');
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.0995 || size === 0) return value.toFixed(2);
  return value.toPrecision(2);
}

/**
 * @param {Summary} summary of a ratio
 * @returns {string}
 */
export function formatSummary({ median, least, greatest }) {
  return `${formatNumber(median)} (${formatNumber(least)} to ${formatNumber(greatest)})`;
}

/**
 * @param {Target | undefined} target
 * @returns {string} empty if nothing is asked
 */
export function formatTarget(target) {
  if (target === undefined) return '';
  return 'least' in target ? `at least ${target.least}` : `at most ${target.most}`;
}
