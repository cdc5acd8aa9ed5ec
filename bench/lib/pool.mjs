// @ts-check
import { summarize } from './statistics.mjs';

/** @import { Machine } from './machine.mjs' */
/** @import { StoredResult } from './part.mjs' */
/** @import { Ratio, Row, Value } from './row.mjs' */

/**
 * Two runs of a part as one that had the rounds of both. What is measured in one sitting
 * differs less than what is measured in two, with other processes in other places of memory:
 * the spread of a single run is too small to compare another one to.
 *
 * @param {StoredResult} result the newer
 * @param {StoredResult | undefined} before the one before it
 * @returns {StoredResult} the newer alone, if there is no other, or not of the same machine
 */
export function pool(result, before) {
  if (before === undefined || !areAlike(result.machine, before.machine)) return result;
  const rows = result.rows.map((row) => {
    const other = before.rows.find(({ id }) => id === row.id);
    return other === undefined ? row : poolRows(row, other);
  });
  return { ...result, rows, pooledWith: before.machine };
}

/**
 * @param {Machine} machine
 * @param {Machine} other
 */
function areAlike(machine, other) {
  const same = /** @type {const} */ (['runlet', 'node', 'kernel', 'libc', 'cpu', 'cores']);
  return same.every((key) => machine[key] === other[key]);
}

/**
 * @param {Row} row
 * @param {Row} other
 * @returns {Row}
 */
function poolRows(row, other) {
  return {
    ...row,
    values: row.values.map((value) => {
      const its = other.values.find(({ contender }) => contender === value.contender);
      return its === undefined ? value : poolValues(value, its);
    }),
    ratios: row.ratios.map((ratio) => {
      const its = other.ratios.find(({ of, to }) => of === ratio.of && to === ratio.to);
      return its === undefined ? ratio : poolRatios(ratio, its);
    }),
  };
}

/**
 * @param {Value} value
 * @param {Value} other
 * @returns {Value} with the usage of the newer run
 */
function poolValues(value, other) {
  const rounds = [...value.rounds, ...other.rounds];
  if (value.p99 === undefined) return { ...value, rounds };
  return { ...value, rounds, p99: [...value.p99, ...(other.p99 ?? [])] };
}

/**
 * @param {Ratio} ratio
 * @param {Ratio} other
 * @returns {Ratio}
 */
function poolRatios(ratio, other) {
  const rounds = [...ratio.rounds, ...other.rounds];
  return { ...ratio, rounds, summary: summarize(rounds) };
}
