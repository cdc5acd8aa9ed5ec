import { readFile } from 'node:fs/promises';

/** The server that a run folder belongs to. */
export interface RunOwner {
  readonly pid: number;
  /**
   * When the process started, in clock ticks since the machine did: tells it from
   * a later one with the same pid. Undefined where there is no proc(5).
   */
  readonly startTime: string | undefined;
  /** Which start of the machine that was. Undefined where it does not tell. */
  readonly bootId: string | undefined;
}

/** A process as far as it matters here. */
interface ProcessStat {
  readonly startTime: string | undefined;
  /** It ended and waits for its parent to reap it. */
  readonly ended: boolean;
}

/** This server. */
export async function thisOwner(): Promise<RunOwner> {
  const [stat, bootId] = await Promise.all([processStat(process.pid), machineBootId()]);
  return { pid: process.pid, startTime: stat?.startTime, bootId };
}

/** An owner as the text of a file. */
export function formatOwner({ pid, startTime, bootId }: RunOwner): string {
  return `${JSON.stringify({ pid, startTime, bootId })}\n`;
}

/** Undefined if the text does not tell an owner. */
export function parseOwner(text: string): RunOwner | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || !('pid' in parsed)) return undefined;
  const { pid } = parsed;
  // 0 and negative numbers are not a process to kill(2) but groups.
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return {
    pid,
    startTime: 'startTime' in parsed ? textOf(parsed.startTime) : undefined,
    bootId: 'bootId' in parsed ? textOf(parsed.bootId) : undefined,
  };
}

/** Whether the owner runs still; true also where that cannot be told for sure. */
export async function isAlive(owner: RunOwner): Promise<boolean> {
  const [stat, bootId] = await Promise.all([processStat(owner.pid), machineBootId()]);
  if (differ(owner.bootId, bootId)) return false;
  if (!pidIsUsed(owner.pid)) return false;
  return stat === undefined || !(stat.ended || differ(owner.startTime, stat.startTime));
}

function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

function pidIsUsed(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

async function processStat(pid: number): Promise<ProcessStat | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The command's name, in parentheses, may hold anything; the rest follows the last of them.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { startTime: fields[19], ended: 'ZXx'.includes(fields[0] ?? '') };
}

async function machineBootId(): Promise<string | undefined> {
  const id = await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => undefined);
  return id?.trim();
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
