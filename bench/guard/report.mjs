// @ts-check
import { isMet } from '../lib/row.mjs';
import { median } from '../lib/statistics.mjs';
import { markdownTable } from '../lib/table.mjs';

/** @import { Ratio, Row, Target } from '../lib/row.mjs' */
/** @import { Verdict } from './judge.mjs' */

/**
 * Lays out what was measured, what was measured again included.
 *
 * @param {readonly Verdict[]} verdicts
 * @returns {string} a table
 */
export function table(verdicts) {
  const rows = verdicts.flatMap(({ before, row }) => [
    ...(before === undefined ? [] : linesOf(before, '')),
    ...linesOf(row, before === undefined ? '' : ', again'),
  ]);
  return markdownTable(['guard', 'measured', 'compared to', 'ratio', 'bound', 'met'], rows);
}

/**
 * Names what missed its bound, twice.
 *
 * @param {readonly Verdict[]} verdicts
 * @returns {string[]} a line for each ratio
 */
export function misses(verdicts) {
  return verdicts.flatMap(({ row }) =>
    row.ratios
      .filter((ratio) => !isMet(ratio))
      .map(
        ({ of, summary, target, to }) =>
          `${row.id}: ${row.measure}, ${of} to ${to}: ${format(summary.median)}, not ${boundText(target)}`,
      ),
  );
}

/**
 * @param {Row} row
 * @param {string} attempt
 */
function linesOf({ id, measure, ratios, unit, values }, attempt) {
  return ratios.map((ratio) => {
    const base = values.find(({ contender }) => contender === ratio.to)?.rounds ?? [];
    return [
      `${id}${attempt}`,
      measure,
      `${ratio.to}, ${format(median(base))} ${unit}`,
      ratioText(ratio),
      boundText(ratio.target),
      isMet(ratio) ? 'yes' : 'no',
    ];
  });
}

/** @param {Ratio} ratio */
function ratioText({ summary: { greatest, least, median } }) {
  return `${format(median)} (${format(least)} to ${format(greatest)})`;
}

/** @param {Target | undefined} target */
function boundText(target) {
  if (target === undefined) return '';
  return 'least' in target ? `at least ${target.least}` : `at most ${target.most}`;
}

/** @param {number} value */
function format(value) {
  return value < 10 ? value.toFixed(value < 1 ? 3 : 2) : value.toFixed(0);
}
