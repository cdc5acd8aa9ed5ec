// @ts-check
import { isMet } from '../lib/row.mjs';

/** @import { Row } from '../lib/row.mjs' */
/** @import { Setup } from './stage.mjs' */

/**
 * Something that is guarded.
 *
 * @typedef {object} Check
 * @property {string} id that of its row
 * @property {(setup: Setup) => Promise<Row>} measure the row, each of whose ratios has a bound
 */

/**
 * @typedef {object} Verdict
 * @property {Row} row as it was measured last
 * @property {Row | undefined} before as it was measured first, if that missed a bound
 * @property {boolean} met
 */

/**
 * Measures all; and once more, when all were, what missed a bound. What happens beside it
 * on the machine is over by then, and what is slower stays so.
 *
 * @param {readonly Check[]} checks
 * @param {(check: Check) => Promise<Row>} measure
 * @returns {Promise<Verdict[]>} one of each, in their order
 */
export async function judge(checks, measure) {
  /** @type {Verdict[]} */
  const verdicts = [];
  for (const check of checks) {
    const row = await measure(check);
    verdicts.push({ row, before: undefined, met: row.ratios.every(isMet) });
  }
  for (const [index, { met, row: before }] of verdicts.entries()) {
    const check = checks[index];
    if (met || check === undefined) continue;
    const row = await measure(check);
    verdicts[index] = { row, before, met: row.ratios.every(isMet) };
  }
  return verdicts;
}
