import { readdirSync } from 'node:fs';
import { type ProcessScan, type ScannedProcess, scanProcess } from '../process-scan.ts';
import type { KinMarks } from './kin-marks.ts';
import { type Libc, P_PGID, P_PID, SIGINFO_SIZE, WEXITED, WNOHANG, WNOWAIT } from './libc.ts';
import { ownChildren } from './own-children.ts';

/** Orphans by their marks; undefined: they have none. */
type Orphans = ReadonlyMap<bigint | undefined, readonly ScannedProcess[]>;

/** The orphans of each scan, so that many trees look at a scan for little. */
const orphansByScan = new WeakMap<ProcessScan, Orphans>();

/**
 * Those that came of the process with a mark and are orphans: children of this
 * process, which the kernel made their parent when theirs ended. `isLaunched` tells
 * these from the children that were launched. Undefined: those that have no mark
 * any more, since they set the limit that it is.
 */
export function orphansOf(
  mark: bigint | undefined,
  scan: ProcessScan,
  marks: KinMarks,
  isLaunched: (pid: number) => boolean,
): readonly ScannedProcess[] {
  let byMark = orphansByScan.get(scan);
  if (byMark === undefined) {
    const found = new Map<bigint | undefined, ScannedProcess[]>();
    const own = scan.byPid.get(process.pid);
    for (const child of scan.byParent.get(process.pid) ?? []) {
      if (isMadeByNode(child, own) || isLaunched(child.pid)) continue;
      const its = marks.of(child.pid);
      const others = found.get(its);
      if (others === undefined) found.set(its, [child]);
      else others.push(child);
    }
    byMark = found;
    orphansByScan.set(scan, byMark);
  }
  return byMark.get(mark) ?? [];
}

/**
 * Whether a child with a mark came of a process that was launched, as far as can be told, also
 * if it has ended. No: whose it is has to be left open.
 */
export function isDescendant(pid: number): boolean {
  const child = scanProcess(pid);
  return child !== undefined && !isMadeByNode(child, scanProcess(process.pid));
}

/** What is in our session was made by Node.js, beside a launch, whose mark it may have. */
function isMadeByNode(child: ScannedProcess, own: ScannedProcess | undefined): boolean {
  return own === undefined || child.session === own.session;
}

/**
 * The child that has a mark, while it is made: nothing has come of it yet. `isLaunched`
 * tells those that were made before.
 */
export function childWith(
  libc: Libc,
  mark: bigint,
  marks: KinMarks,
  isLaunched: (pid: number) => boolean,
): number | undefined {
  const pids = otherPids(isLaunched);
  // The newest are most often those with the greatest numbers.
  return pids.sort((a, b) => b - a).find((pid) => isChildWith(libc, mark, pid, marks));
}

/** The marks of the orphans that run at this moment: of the children that were not launched. */
export function marksOfOrphans(
  libc: Libc,
  marks: KinMarks,
  isLaunched: (pid: number) => boolean,
): ReadonlySet<bigint> {
  const own = scanProcess(process.pid);
  const found = new Set<bigint>();
  for (const pid of otherPids(isLaunched)) {
    const mark = isChild(libc, pid) ? marks.of(pid) : undefined;
    if (mark === undefined || found.has(mark)) continue;
    const child = scanProcess(pid);
    if (child !== undefined && !child.ended && !isMadeByNode(child, own)) found.add(mark);
  }
  return found;
}

/** The children that were not launched, and perhaps others. */
function otherPids(isLaunched: (pid: number) => boolean): number[] {
  return (ownChildren() ?? allPids()).filter((pid) => !isLaunched(pid));
}

/** None where they cannot be listed: this process may have no descriptor left for that. */
function allPids(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Whether a process is a child of this one and has a mark: other servers may use the same ones. */
export function isChildWith(libc: Libc, mark: bigint, pid: number, marks: KinMarks): boolean {
  return marks.of(pid) === mark && isChild(libc, pid);
}

/** Whether a group has a child of this process in it that was not reaped. */
export function hasChildIn(libc: Libc, group: number): boolean {
  return libc.waitid(P_PGID, group, info, WEXITED | WNOHANG | WNOWAIT) === 0;
}

/** What the kernel writes to; it is not looked at. */
const info = Buffer.alloc(SIGINFO_SIZE);

/** Whether a process is a child of this one that was not reaped: no other can be waited for. */
function isChild(libc: Libc, pid: number): boolean {
  return libc.waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT) === 0;
}
