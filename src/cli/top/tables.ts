import type { ProcessStats, SessionStats, Stats } from '../../client/index.ts';
import { sizeText } from '../../quantities.ts';
import { printable, spanText } from '../human-text.ts';
import { type Column, fitColumns, itemLine, titleLine } from './columns.ts';
import { type Sort, sorted } from './sorting.ts';

/** What a table is made of. */
export interface TableOptions {
  readonly sort: Sort;
  /** Whether those are in it that have ended. */
  readonly ended: boolean;
  /** Characters of a line. */
  readonly width: number;
  /** Whether ids are whole, however long they are. */
  readonly whole: boolean;
}

/** Lines of a table, which are made as they are asked for: there may be thousands. */
export interface Lines {
  readonly title: string;
  readonly count: number;
  readonly at: (index: number) => string;
}

/** A session, and what its processes use together. */
interface SessionRow extends SessionStats {
  readonly running: number;
  readonly cpu: number | undefined;
  readonly residentBytes: number | undefined;
  readonly outputRate: number | undefined;
  readonly lagBytes: number;
}

/** Characters of an id that are shown where there is a screen to be filled. */
const ID_WIDTH = 24;
const SHORT_SESSION = 8;

/** The processes of a server. */
export function processLines(stats: Stats, options: TableOptions): Lines {
  const { ended, sort, width } = options;
  const shown = ended ? stats.processes : stats.processes.filter(({ state }) => state !== 'closed');
  const several = new Set(stats.processes.map(({ owner }) => owner)).size > 1;
  const columns = processColumns(stats.time, options, several);
  return linesOf(columns, sorted(shown, sort), width);
}

/** The sessions of a server, the busiest first. */
export function sessionLines(stats: Stats, options: TableOptions): Lines {
  const rows = sessionRows(stats).toSorted((a, b) => (b.cpu ?? -1) - (a.cpu ?? -1));
  const several = new Set(stats.sessions.map(({ owner }) => owner)).size > 1;
  return linesOf(sessionColumns(stats.time, options, several), rows, options.width);
}

function linesOf<T>(columns: readonly Column<T>[], items: readonly T[], width: number): Lines {
  const fitted = fitColumns(columns, items, width);
  return {
    title: titleLine(fitted, width),
    count: items.length,
    at: (index) => {
      const item = items[index];
      return item === undefined ? '' : itemLine(fitted, item, width);
    },
  };
}

function processColumns(
  now: Date,
  { whole }: TableOptions,
  several: boolean,
): readonly Column<ProcessStats>[] {
  const right = true;
  const owner: Column<ProcessStats> = {
    title: 'OWNER',
    width: whole ? undefined : 16,
    rank: 3,
    cell: (process) => printable(process.owner),
  };
  return [
    {
      title: 'PROCESS',
      width: whole ? undefined : ID_WIDTH,
      rank: 0,
      cell: ({ id }) => printable(id),
    },
    { title: 'SESSION', width: SHORT_SESSION, rank: 5, cell: shortSession },
    ...(several ? [owner] : []),
    { title: 'PID', width: 7, right, rank: 7, cell: ({ pid }) => String(pid) },
    { title: 'STATE', width: 7, rank: 6, cell: ({ state }) => state },
    { title: 'CPU%', width: 5, right, rank: 0, cell: ({ cpu }) => percentText(cpu) },
    { title: 'MEMORY', width: 8, right, rank: 0, cell: (it) => sizeOrNot(it.residentBytes) },
    { title: 'OUTPUT/S', width: 8, right, rank: 1, cell: (it) => sizeOrNot(it.outputRate) },
    { title: 'OUTPUT', width: 8, right, rank: 8, cell: (it) => sizeText(it.outputBytes) },
    { title: 'READERS', width: 7, right, rank: 9, cell: ({ readers }) => String(readers) },
    {
      title: 'LAG',
      width: 8,
      right,
      rank: 4,
      cell: (it) => (it.readers === 0 ? '-' : sizeText(it.lagBytes)),
    },
    {
      title: 'AGE',
      width: 6,
      right,
      rank: 2,
      cell: (it) => ageText(it.startTime, it.exitTime ?? now),
    },
    { title: 'PROGRAM', width: undefined, rank: 0, cell: ({ program }) => printable(program) },
  ];
}

function sessionColumns(
  now: Date,
  { whole }: TableOptions,
  several: boolean,
): readonly Column<SessionRow>[] {
  const right = true;
  const owner: Column<SessionRow> = {
    title: 'OWNER',
    width: whole ? undefined : 16,
    rank: 1,
    cell: (session) => printable(session.owner),
  };
  return [
    { title: 'SESSION', width: undefined, rank: 0, cell: ({ id }) => id },
    ...(several ? [owner] : []),
    { title: 'RUNNING', width: 7, right, rank: 0, cell: ({ running }) => String(running) },
    { title: 'KEPT', width: 5, right, rank: 5, cell: (it) => String(it.processCount - it.running) },
    { title: 'CPU%', width: 5, right, rank: 0, cell: ({ cpu }) => percentText(cpu) },
    { title: 'MEMORY', width: 8, right, rank: 0, cell: (it) => sizeOrNot(it.residentBytes) },
    { title: 'OUTPUT/S', width: 8, right, rank: 2, cell: (it) => sizeOrNot(it.outputRate) },
    { title: 'LAG', width: 8, right, rank: 4, cell: ({ lagBytes }) => sizeText(lagBytes) },
    { title: 'AGE', width: 6, right, rank: 3, cell: (it) => ageText(it.createTime, now) },
    { title: 'ATTACHED', width: 8, rank: 6, cell: ({ attached }) => (attached ? 'yes' : 'no') },
  ];
}

function sessionRows({ processes, sessions }: Stats): readonly SessionRow[] {
  const bySession = new Map<string, ProcessStats[]>(sessions.map(({ id }) => [id, []]));
  for (const process of processes) bySession.get(process.sessionId ?? '')?.push(process);
  return sessions.map((session) => {
    const own = bySession.get(session.id) ?? [];
    return {
      ...session,
      running: own.filter(({ state }) => state === 'running').length,
      cpu: sum(own.map(({ cpu }) => cpu)),
      residentBytes: sum(own.map(({ residentBytes }) => residentBytes)),
      outputRate: sum(own.map(({ outputRate }) => outputRate)),
      lagBytes: own.reduce((most, { lagBytes }) => Math.max(most, lagBytes), 0),
    };
  });
}

/** Undefined where there are some, and nothing is known of any. */
function sum(amounts: readonly (number | undefined)[]): number | undefined {
  const known = amounts.filter((amount) => amount !== undefined);
  if (known.length === 0 && amounts.length > 0) return undefined;
  return known.reduce((all, amount) => all + amount, 0);
}

function shortSession({ sessionId }: ProcessStats): string {
  return sessionId === undefined ? '-' : sessionId.slice(0, SHORT_SESSION);
}

/** A part of one processor: `7.3`, `150`. */
export function percentText(part: number | undefined): string {
  if (part === undefined) return '-';
  const percent = 100 * part;
  return percent >= 99.95 ? String(Math.round(percent)) : percent.toFixed(1);
}

function sizeOrNot(bytes: number | undefined): string {
  return bytes === undefined ? '-' : sizeText(bytes);
}

function ageText(from: Date, to: Date): string {
  return spanText(Math.max(0, to.getTime() - from.getTime()));
}
