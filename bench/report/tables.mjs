// @ts-check
import { machineLine } from '../lib/machine.mjs';
import { isMet } from '../lib/row.mjs';
import { median } from '../lib/statistics.mjs';
import { markdownTable } from '../lib/table.mjs';
import { formatNumber, formatSummary, formatTarget } from './format.mjs';

/** @import { Contender, StoredResult } from '../lib/part.mjs' */
/** @import { Row, Value } from '../lib/row.mjs' */

/**
 * Says in Markdown what a part found out, and what is needed to judge that.
 *
 * @param {StoredResult} result
 * @returns {string} without a line feed at the end
 */
export function resultText(result) {
  const { rows, contenders } = result;
  const sections = [
    ...(rows.length === 0 ? [] : [valuesTable(rows)]),
    ...(rows.some(({ ratios }) => ratios.length > 0) ? [ratiosTable(rows)] : []),
    contenders.map(contenderLine).join('\n'),
    originLine(result),
  ];
  return sections.join('\n\n');
}

/**
 * A column of a table: its head, and what it has of a line. One that has nothing of any
 * line is left out.
 *
 * @template Line
 * @typedef {readonly [head: string, cell: (line: Line) => string]} Column
 */

/**
 * What was measured of each contender: medians over the rounds.
 *
 * @param {readonly Row[]} rows
 */
function valuesTable(rows) {
  /** @typedef {{ row: Row, value: Value }} Line */
  const lines = rows.flatMap((row) => row.values.map((value) => ({ row, value })));
  const amount = (/** @type {Row} */ { unit }, /** @type {readonly number[]} */ rounds) =>
    `${formatNumber(median(rounds))} ${unit}`;
  /** @type {Column<Line>[]} */
  const columns = [
    ['measure', ({ row }) => row.measure],
    ['contender', ({ value }) => value.contender],
    ['median', ({ row, value }) => amount(row, value.rounds)],
    ['p99', ({ row, value }) => (value.p99 === undefined ? '' : amount(row, value.p99))],
    ['CPU', ({ value: { usage } }) => (usage ? `${formatNumber(usage.cpuSeconds)} s` : '')],
    ['peak memory', ({ value: { usage } }) => (usage ? `${formatNumber(usage.peakMib)} MiB` : '')],
  ];
  return tableOf(columns, lines);
}

/**
 * How contenders compare, and whether that is as it shall be.
 *
 * @param {readonly Row[]} rows
 */
function ratiosTable(rows) {
  const lines = rows.flatMap((row) => row.ratios.map((ratio) => ({ row, ratio })));
  /** @type {Column<(typeof lines)[number]>[]} */
  const columns = [
    ['measure', ({ row }) => row.measure],
    ['ratio', ({ ratio }) => `${ratio.of} / ${ratio.to}`],
    ['median (least to greatest)', ({ ratio }) => formatSummary(ratio.summary)],
    ['target', ({ ratio }) => formatTarget(ratio.target)],
    ['met', ({ ratio }) => (ratio.target === undefined ? '' : isMet(ratio) ? 'yes' : 'no')],
  ];
  return tableOf(columns, lines);
}

/**
 * A table of two columns of words and some of numbers. What the first would say again is
 * left out.
 *
 * @template Line
 * @param {readonly Column<Line>[]} columns
 * @param {readonly Line[]} lines
 */
function tableOf(columns, lines) {
  const used = columns.filter(([, cell]) => lines.some((line) => cell(line) !== ''));
  const cells = lines.map((line) => used.map(([, cell]) => cell(line)));
  const sparse = cells.map(([first = '', ...others], index) => [
    cells[index - 1]?.[0] === first ? '' : first,
    ...others,
  ]);
  return markdownTable(
    used.map(([head]) => head),
    sparse,
    2,
  );
}

/** @param {Contender} contender */
function contenderLine({ name, about, missing }) {
  const what = `- **${name}**: ${about}`;
  return missing === undefined ? what : `${what}. **Missing**, so it was not measured: ${missing}`;
}

/** @param {StoredResult} result */
function originLine({ part, machine, seconds, pooledWith }) {
  const line = `Measured in ${Math.round(seconds)} s with \`npm run bench -- ${part}\`, on ${machineLine(machine)}.`;
  if (pooledWith === undefined) return line;
  const day = pooledWith.time.slice(0, 10);
  return `${line} The rounds of the run before, on ${day} at a load of ${pooledWith.load}, are counted, too.`;
}
