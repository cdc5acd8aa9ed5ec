import { readdirSync } from 'node:fs';
import { hasOwnProc } from '../own-proc.ts';
import { type ProcessScan, type ScannedProcess, scanProcess } from '../process-scan.ts';
import type { KinMarks } from './kin-marks.ts';
import { LastPid } from './last-pid.ts';
import {
  type Libc,
  P_PGID,
  P_PID,
  SI_PID_OFFSET,
  SIGINFO_SIZE,
  WEXITED,
  WNOHANG,
  WNOWAIT,
} from './libc.ts';
import { ownChildren } from './own-children.ts';

/** Numbers that are tried where no list of processes is: such a namespace is young most often. */
const MAX_PROBED_PIDS = 32_768;

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
  return pids.sort((a, b) => b - a).find((pid) => isChildWith(libc, mark, pid, marks) === true);
}

/**
 * The orphans that run at this moment by their marks: of the children that were not launched.
 * They are asked for by number alone, so that it does not matter whose proc(5) there is. None
 * of the numbers is given away while nobody reaps them.
 */
export function runningOrphans(
  libc: Libc,
  marks: KinMarks,
  isLaunched: (pid: number) => boolean,
): ReadonlyMap<bigint, readonly number[]> {
  const found = new Map<bigint, number[]>();
  const session = libc.getsid(0);
  for (const pid of otherPids(isLaunched)) {
    // What is in our session was made by Node.js.
    if (!isRunningChild(libc, pid) || libc.getsid(pid) === session) continue;
    const mark = marks.of(pid);
    if (mark === undefined) continue;
    const others = found.get(mark);
    if (others === undefined) found.set(mark, [pid]);
    else others.push(pid);
  }
  return found;
}

/** The children that were not launched, and perhaps others. */
function otherPids(isLaunched: (pid: number) => boolean): number[] {
  return (ownChildren() ?? allPids()).filter((pid) => !isLaunched(pid));
}

/** None where they cannot be listed: this process may have no descriptor left for that. */
function allPids(): readonly number[] {
  if (!hasOwnProc()) {
    const last = new LastPid().take();
    return Array.from({ length: Math.min(last, MAX_PROBED_PIDS) }, (_, index) => index + 1);
  }
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/**
 * Whether a process is a child of this one and has a mark: other servers may use the same ones.
 * `maybe`: it is in our session, which a child that is launched leaves before anything else. So it
 * either has just been made, or was made by Node.js meanwhile, and has the mark by chance.
 */
export function isChildWith(
  libc: Libc,
  mark: bigint,
  pid: number,
  marks: KinMarks,
): boolean | 'maybe' {
  if (marks.of(pid) !== mark || !isChild(libc, pid)) return false;
  return libc.getsid(pid) === libc.getsid(0) ? 'maybe' : true;
}

/** Whether a group has a child of this process in it that was not reaped. */
export function hasChildIn(libc: Libc, group: number): boolean {
  return libc.waitid(P_PGID, group, info, WEXITED | WNOHANG | WNOWAIT) === 0;
}

/** Whether a process is a child of this one that has not ended. */
function isRunningChild(libc: Libc, pid: number): boolean {
  info.fill(0);
  return isChild(libc, pid) && info.readInt32LE(SI_PID_OFFSET) === 0;
}

/** What the kernel writes to. */
const info = Buffer.alloc(SIGINFO_SIZE);

/** Whether a process is a child of this one that was not reaped: no other can be waited for. */
function isChild(libc: Libc, pid: number): boolean {
  return libc.waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT) === 0;
}
