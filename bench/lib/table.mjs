// @ts-check

/**
 * Lays out a Markdown table, its columns aligned. The first hold words and are
 * flush left, the others, which hold numbers, flush right.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows each as long as the head
 * @param {number} [words] how many columns hold words. Default: 1
 * @returns {string} lines, without a line feed after the last
 */
export function markdownTable(head, rows, words = 1) {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`;
  const pad = (/** @type {readonly string[]} */ row) =>
    row.map((cell, column) =>
      column < words ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
  const rule = widths.map((width, column) =>
    column < words ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(pad(head)), line(rule), ...rows.map((row) => line(pad(row)))].join('\n');
}
