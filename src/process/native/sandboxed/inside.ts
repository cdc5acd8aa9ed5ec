import { readFileSync } from 'node:fs';
import {
  type ProcessScan,
  type ScannedProcess,
  scanProcess,
  scanProcesses,
} from '../../process-scan.ts';

/** The processes of a sandbox that are known by number, as this machine has them. */
export interface Inside {
  /** Process 1 of the sandbox. */
  readonly first: ScannedProcess;
  /** The one that is, or becomes, the program. */
  readonly program: ScannedProcess;
}

/**
 * The processes of a sandbox that its first process says are there, below what made it; undefined:
 * they are not there any more.
 */
export async function findInside(monitor: number): Promise<Inside | undefined> {
  const first = await onlyChildOf(monitor);
  const program = first && (await onlyChildOf(first.pid));
  return first && program && { first, program };
}

async function onlyChildOf(pid: number): Promise<ScannedProcess | undefined> {
  const children = childrenOf(pid);
  if (children !== undefined) {
    const child = children[0] === undefined ? undefined : scanProcess(children[0]);
    return child?.parent === pid ? child : undefined;
  }
  return (await scanProcesses())?.byParent.get(pid)?.[0];
}

/**
 * The children of a process that has one thread, as proc(5) has them; undefined: it is gone, or
 * the kernel was built without that.
 */
export function childrenOf(pid: number): readonly number[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
    return text.split(' ').slice(0, -1).map(Number);
  } catch {
    return undefined;
  }
}

/** What is left in a sandbox, by a scan: children of its first process that are not the program. */
export function orphansInside(
  { first, program }: Inside,
  scan: ProcessScan,
): readonly ScannedProcess[] {
  if (scan.byPid.get(first.pid)?.startTime !== first.startTime) return [];
  return (scan.byParent.get(first.pid) ?? []).filter((child) => !isSame(child, program));
}

/** The same at this moment, those that have ended left out; undefined: it cannot be listed. */
export function runningOrphansInside({
  first,
  program,
}: Inside): readonly ScannedProcess[] | undefined {
  return childrenOf(first.pid)
    ?.map((pid) => scanProcess(pid))
    .filter((child) => child !== undefined)
    .filter((child) => !child.ended && child.parent === first.pid && !isSame(child, program));
}

/** Those and all below them. */
export function runningBelow(orphans: readonly ScannedProcess[]): readonly ScannedProcess[] {
  const found = new Map<number, ScannedProcess>();
  const pending = [...orphans];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (found.has(next.pid)) continue;
    found.set(next.pid, next);
    for (const pid of childrenOf(next.pid) ?? []) {
      const child = scanProcess(pid);
      if (child !== undefined) pending.push(child);
    }
  }
  return [...found.values()];
}

function isSame(one: ScannedProcess, other: ScannedProcess): boolean {
  return one.pid === other.pid && one.startTime === other.startTime;
}
