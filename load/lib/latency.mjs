// @ts-check
import { quantile } from '../../bench/lib/statistics.mjs';

/**
 * How long calls took, in milliseconds: percentiles by the nearest rank.
 *
 * @typedef {object} Latency
 * @property {number} p50
 * @property {number} p90
 * @property {number} p95
 * @property {number} p99
 * @property {number} max
 */

/**
 * @param {readonly number[]} values in milliseconds
 * @returns {Latency | undefined} undefined of none
 */
export function latencyOf(values) {
  if (values.length === 0) return undefined;
  const at = (/** @type {number} */ share) => rounded(quantile(values, share));
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/**
 * Microseconds are as fine as any tool here tells.
 *
 * @param {number} milliseconds
 */
function rounded(milliseconds) {
  return Math.round(milliseconds * 1000) / 1000;
}
