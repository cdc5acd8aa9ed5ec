/** A column of a table. */
export interface Column<T> {
  readonly title: string;
  /** How many characters its cells have at most; undefined: as many as it takes. */
  readonly width: number | undefined;
  /** Numbers stand to the right. */
  readonly right?: true;
  /** Where there is no room for all, those with the highest number go first. 0: it stays. */
  readonly rank: number;
  readonly cell: (item: T) => string;
}

/** Between two columns. */
const GAP = '  ';

/** Characters that the last column has at least, which is as wide as there is room. */
const LEAST_LAST = 8;

/** Columns that fit into a width, each with the width that it has. */
export interface Fitted<T> {
  readonly columns: readonly { readonly column: Column<T>; readonly width: number }[];
}

/** The columns of some for which there is room, for these items. */
export function fitColumns<T>(
  columns: readonly Column<T>[],
  items: readonly T[],
  width: number,
): Fitted<T> {
  const wide = columns.map((column) => ({ column, width: widthOf(column, items) }));
  const lastOf = wide.at(-1);
  while (lastOf !== undefined && totalOf(wide) - lastOf.width + LEAST_LAST > width) {
    const worst = wide
      .filter(({ column }) => column.rank > 0)
      .reduce<(typeof wide)[number] | undefined>(
        (most, one) => (most === undefined || one.column.rank > most.column.rank ? one : most),
        undefined,
      );
    if (worst === undefined) break;
    wide.splice(wide.indexOf(worst), 1);
  }
  return { columns: wide };
}

/** The titles of columns, as a line that is not longer than a width. */
export function titleLine<T>({ columns }: Fitted<T>, width: number): string {
  return line(
    columns,
    columns.map(({ column }) => column.title),
    width,
  );
}

/** An item, as a line that is not longer than a width. */
export function itemLine<T>({ columns }: Fitted<T>, item: T, width: number): string {
  return line(
    columns,
    columns.map(({ column }) => column.cell(item)),
    width,
  );
}

/** A text that is not longer than a width: it says so where some of it is missing. */
export function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  const characters = [...text];
  if (characters.length <= width) return text;
  return width <= 0 ? '' : `${characters.slice(0, width - 1).join('')}…`;
}

function line<T>(columns: Fitted<T>['columns'], cells: readonly string[], width: number): string {
  const last = columns.length - 1;
  const parts = columns.map(({ column, width: own }, i) => {
    const cell = cells[i] ?? '';
    if (i === last && column.right !== true) return cell;
    const text = cut(cell, own);
    const space = ' '.repeat(Math.max(0, own - lengthOf(text)));
    return column.right === true ? space + text : text + space;
  });
  return cut(parts.join(GAP), width).trimEnd();
}

function widthOf<T>(column: Column<T>, items: readonly T[]): number {
  let most = lengthOf(column.title);
  // Not the cells of all: so that a table does not become another one as its numbers change.
  if (column.width !== undefined) return Math.max(most, column.width);
  for (const item of items) most = Math.max(most, lengthOf(column.cell(item)));
  return most;
}

function totalOf(columns: readonly { readonly width: number }[]): number {
  return columns.reduce((sum, { width }) => sum + width, GAP.length * (columns.length - 1));
}

function lengthOf(text: string): number {
  return [...text].length;
}
