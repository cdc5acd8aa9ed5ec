import type { Stats } from '../../client/index.ts';
import { cut } from './columns.ts';
import { standingOut } from './screen.ts';
import type { Sort } from './sorting.ts';
import { summaryLines } from './summary.ts';
import { type Lines, processLines, sessionLines } from './tables.ts';

/** What of all is shown. */
export interface View {
  readonly of: 'processes' | 'sessions';
  readonly sort: Sort;
  /** Whether those are shown that have ended. */
  readonly ended: boolean;
  /** The first row of the table that is shown. */
  readonly first: number;
}

/** What a key does. */
export type KeyDeed = 'quit' | 'interrupt' | 'suspend' | ((view: View, page: number) => View);

const MORE = (rows: (page: number) => number) => (view: View, page: number) => ({
  ...view,
  first: Math.max(0, view.first + rows(page)),
});
const BY = (sort: Sort) => (view: View) => ({ ...view, sort, first: 0 });

const KEYS: Readonly<Record<string, KeyDeed>> = {
  q: 'quit',
  '\x03': 'interrupt',
  '\x1a': 'suspend',
  c: BY('cpu'),
  m: BY('memory'),
  o: BY('output'),
  a: BY('age'),
  l: BY('lag'),
  e: (view) => ({ ...view, ended: !view.ended }),
  s: (view) => ({ ...view, of: view.of === 'sessions' ? 'processes' : 'sessions', first: 0 }),
  j: MORE(() => 1),
  k: MORE(() => -1),
  '\x1b[B': MORE(() => 1),
  '\x1b[A': MORE(() => -1),
  '\x1bOB': MORE(() => 1),
  '\x1bOA': MORE(() => -1),
  '\x1b[6~': MORE((page) => page),
  '\x1b[5~': MORE((page) => -page),
  ' ': MORE((page) => page),
  '\x1b[H': (view) => ({ ...view, first: 0 }),
  '\x1b[F': (view) => ({ ...view, first: Number.MAX_SAFE_INTEGER }),
};

/** The keys that were pressed: a sequence of a terminal is one. */
export function keysIn(typed: string): readonly string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return typed.match(/\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)|./gsu) ?? [];
}

/** What a key does; undefined: nothing. */
export function deedOf(key: string): KeyDeed | undefined {
  return Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
}

/** How large a screen is, in characters. */
export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** What stands beside what the server tells. */
export interface Surroundings {
  /** Where the server is. */
  readonly address: string;
  /** Whether there is a connection to it. */
  readonly connected: boolean;
}

/** A screen, and which of its rows are shown, which may be others than were asked for. */
export interface Frame {
  readonly lines: readonly string[];
  readonly first: number;
  /** How many rows of the table there is room for. */
  readonly page: number;
}

const HELP = 'q quit   c m o a l sort   e ended   s sessions or processes   arrows move';

/** The lines of a screen. */
export function frameOf(
  stats: Stats,
  view: View,
  { address, connected }: Surroundings,
  { columns, rows }: ScreenSize,
): Frame {
  // Before the address, which may be too long for a line.
  const lost = connected ? '' : 'the connection broke; trying to come back   ';
  const time = stats.time.toISOString().slice(11, 19);
  const options = { sort: view.sort, ended: view.ended, width: columns, whole: false };
  const table = (view.of === 'sessions' ? sessionLines : processLines)(stats, options);
  const head = [`runlet top   ${time}   ${lost}${address}`, ...summaryLines(stats), ''].map(
    (line) => cut(line, columns),
  );
  const page = Math.max(1, rows - head.length - 2);
  const first = Math.min(view.first, Math.max(0, table.count - page));
  const lines = [
    ...head,
    standingOut(table.title, columns),
    ...rowsOf(table, first, page),
    cut(footer(view, table, first, page), columns),
  ];
  // One that is very small shows what there is room for.
  return { lines: lines.slice(0, rows), first, page };
}

function rowsOf(table: Lines, first: number, page: number): readonly string[] {
  return Array.from({ length: page }, (_, i) => table.at(first + i));
}

function footer({ of, sort }: View, { count }: Lines, first: number, page: number): string {
  const last = Math.min(count, first + page);
  const by = of === 'processes' ? ` by ${sort}` : '';
  const shown =
    count <= page ? `${count} ${of}${by}` : `${first + 1}-${last} of ${count} ${of}${by}`;
  return `${shown}   ${HELP}`;
}
