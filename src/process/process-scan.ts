import { closeSync, openSync, readSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hasOwnProc } from './own-proc.ts';
import { parseStat, type ScannedProcess } from './process-stat.ts';

export type { ScannedProcess } from './process-stat.ts';

/** The processes of the machine at about one time, by what they are looked for by. */
export interface ProcessScan {
  readonly byPid: ReadonlyMap<number, ScannedProcess>;
  readonly byParent: ReadonlyMap<number, readonly ScannedProcess[]>;
  readonly byGroup: ReadonlyMap<number, readonly ScannedProcess[]>;
  readonly bySession: ReadonlyMap<number, readonly ScannedProcess[]>;
  /** How long the event loop was busy with it, in milliseconds. */
  readonly spentMs: number;
}

/**
 * Processes that are looked at in a turn of the event loop. No disk is behind proc(5), so
 * that to hand each to a thread, and to hear of it again, takes ten times as long.
 */
const SCANNED_IN_A_TURN = 64;

type Scan = Promise<ProcessScan | undefined>;

/** The scan that is under way, if one is. */
let underWay: Scan | undefined;
/** The one that begins after it, shared by all who asked in the meantime. */
let next: Scan | undefined;

/**
 * All processes of the machine; undefined where there is no proc(5) of this process's own. A scan that
 * is under way may have passed by what the caller looks for, so it is never of
 * use to those who come later: they share the one after it.
 */
export function scanProcesses(): Scan {
  if (underWay === undefined) return begin();
  next ??= underWay.then(begin);
  return next;
}

/** Longer than what `/proc/PID/stat` has: some fifty numbers, and a name of 64 bytes at most. */
const stat = Buffer.allocUnsafeSlow(4096);

/** One process, as it is now; undefined: it is not there. */
export function scanProcess(pid: number): ScannedProcess | undefined {
  if (!hasOwnProc()) return undefined;
  try {
    const fd = openSync(`/proc/${pid}/stat`, 'r');
    try {
      const bytes = readSync(fd, stat, 0, stat.byteLength, 0);
      return parseStat(pid, stat, bytes);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** Whether a process that was scanned is still the same, and in a group, and has not ended. */
export function stillRuns(
  { pid, startTime }: Pick<ScannedProcess, 'pid' | 'startTime'>,
  group?: number,
): boolean {
  const now = scanProcess(pid);
  if (now === undefined || now.startTime !== startTime || now.ended) return false;
  return group === undefined || now.group === group;
}

function begin(): Scan {
  next = undefined;
  const scan = scanAll().finally(() => {
    if (underWay === scan) underWay = undefined;
  });
  underWay = scan;
  return scan;
}

async function scanAll(): Scan {
  if (process.platform !== 'linux' || !hasOwnProc()) return undefined;
  const names = await readdir('/proc').catch(() => undefined);
  if (names === undefined) return undefined;
  let began = performance.now();
  let spentMs = 0;
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const found: ScannedProcess[] = [];
  for (const [index, pid] of pids.entries()) {
    if (index % SCANNED_IN_A_TURN === 0) {
      spentMs += performance.now() - began;
      await nextTurn();
      began = performance.now();
    }
    const scanned = scanProcess(pid);
    if (scanned !== undefined) found.push(scanned);
  }
  return {
    spentMs: spentMs + performance.now() - began,
    byPid: new Map(found.map((process) => [process.pid, process])),
    byParent: groupBy(found, ({ parent }) => parent),
    byGroup: groupBy(found, ({ group }) => group),
    bySession: groupBy(found, ({ session }) => session),
  };
}

function groupBy(
  processes: readonly ScannedProcess[],
  keyOf: (process: ScannedProcess) => number,
): ReadonlyMap<number, readonly ScannedProcess[]> {
  const groups = new Map<number, ScannedProcess[]>();
  for (const process of processes) {
    const key = keyOf(process);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [process]);
    else group.push(process);
  }
  return groups;
}
