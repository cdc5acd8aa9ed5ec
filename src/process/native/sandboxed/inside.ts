import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
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
  /** The program. */
  readonly program: ScannedProcess;
}

/**
 * The processes of a sandbox that its first process says are there, below what made it; undefined:
 * they are not there any more, or cannot be looked at now.
 *
 * The first process collects nothing before the program, which is its oldest child, also if it has
 * ended. What became of that may be others.
 */
export async function findInside(monitor: number): Promise<Inside | undefined> {
  const first = await oldestChildOf(monitor);
  const program = first && (await oldestChildOf(first.pid));
  return first && program && { first, program };
}

async function oldestChildOf(pid: number): Promise<ScannedProcess | undefined> {
  const oldest = firstListedOf(pid);
  if (oldest !== undefined) {
    const child = scanProcess(oldest);
    return child?.parent === pid ? child : undefined;
  }
  const children = (await scanProcesses())?.byParent.get(pid) ?? [];
  return [...children].sort(
    (a, b) => Number(a.startTime) - Number(b.startTime) || a.pid - b.pid,
  )[0];
}

/** More than a number has. */
const number = Buffer.allocUnsafeSlow(32);

/** The first of {@link childrenOf}, which has them by their age. */
function firstListedOf(pid: number): number | undefined {
  try {
    const fd = openSync(listOf(pid), 'r');
    try {
      const bytes = readSync(fd, number, 0, number.byteLength, 0);
      const [first = ''] = number.toString('latin1', 0, bytes).split(' ');
      return first === '' ? undefined : Number(first);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function listOf(pid: number): string {
  return `/proc/${pid}/task/${pid}/children`;
}

/**
 * The children of a process that has one thread, as proc(5) has them; undefined: it is gone, or
 * the kernel was built without that.
 */
export function childrenOf(pid: number): readonly number[] | undefined {
  try {
    const text = readFileSync(listOf(pid), 'latin1');
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
