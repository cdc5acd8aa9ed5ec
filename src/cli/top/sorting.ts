import type { ProcessStats } from '../../client/index.ts';

/** What processes can be sorted by, the most first. */
export const SORTS = ['cpu', 'memory', 'output', 'age', 'lag'] as const;

/** One of {@link SORTS}. */
export type Sort = (typeof SORTS)[number];

/** How much of it a process has; what is not known is less than nothing. */
const AMOUNTS: Readonly<Record<Sort, (process: ProcessStats) => number>> = {
  cpu: ({ cpu }) => cpu ?? -1,
  memory: ({ residentBytes }) => residentBytes ?? -1,
  output: ({ outputRate }) => outputRate ?? -1,
  age: ({ startTime }) => -startTime.getTime(),
  lag: ({ lagBytes }) => lagBytes,
};

/** Processes in their order: those that have ended last, and of equals the oldest first. */
export function sorted(processes: readonly ProcessStats[], sort: Sort): readonly ProcessStats[] {
  const amount = AMOUNTS[sort];
  return processes.toSorted((a, b) => {
    if ((a.state === 'closed') !== (b.state === 'closed')) return a.state === 'closed' ? 1 : -1;
    return amount(b) - amount(a) || a.startTime.getTime() - b.startTime.getTime() || byId(a, b);
  });
}

/** So that what has the same in all respects does not change its place. */
function byId(a: ProcessStats, b: ProcessStats): number {
  return a.id < b.id ? -1 : Number(a.id > b.id);
}
