/** Lines of aligned columns, each as wide as its widest cell, the last one cut to fit. */
export function table(rows: readonly (readonly string[])[], width: number): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, lengthOf(cell));
    });
  }
  return rows.map((row) => {
    const line = row
      .map((cell, i) =>
        i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - lengthOf(cell)),
      )
      .join('  ');
    return cut(line, width);
  });
}

/** How many columns a table may take: those of the terminal, or any number where there is none. */
export function tableWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
}

function lengthOf(text: string): number {
  return [...text].length;
}

function cut(line: string, width: number): string {
  const characters = [...line];
  return characters.length <= width ? line : `${characters.slice(0, width - 1).join('')}…`;
}
