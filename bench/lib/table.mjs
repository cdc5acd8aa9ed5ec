// @ts-check

/**
 * Lays out a Markdown table, its columns aligned. The first is flush left, the
 * others, which hold numbers, flush right.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows each as long as the head
 * @returns {string} lines, without a line feed after the last
 */
export function markdownTable(head, rows) {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`;
  const pad = (/** @type {readonly string[]} */ row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(pad(head)), line(rule), ...rows.map((row) => line(pad(row)))].join('\n');
}
