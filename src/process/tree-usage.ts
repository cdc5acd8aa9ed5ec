import type { MachineUnits } from './machine-units.ts';
import type { ProcessScan } from './process-scan.ts';
import type { ProcessTree } from './process-tree.ts';

/** What those of a tree use that run. */
export interface TreeUsage {
  /** Processor time of theirs, and of the children that they waited for, in milliseconds. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** How many they are. */
  readonly members: number;
}

/** What a tree uses, by a scan. */
export function usageIn(
  scan: ProcessScan,
  tree: Pick<ProcessTree, 'runningIn'>,
  { pageBytes, tickMs }: MachineUnits,
): TreeUsage {
  const members = tree.runningIn(scan);
  let ticks = 0;
  let pages = 0;
  for (const { cpuTicks, residentPages } of members) {
    ticks += cpuTicks;
    pages += residentPages;
  }
  return { cpuMs: ticks * tickMs, residentBytes: pages * pageBytes, members: members.length };
}
