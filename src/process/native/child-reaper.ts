import { constants } from 'node:os';
import type { ExitStatus, ResourceUsage } from '../../output/event.ts';
import type { ProcessEnd } from '../launcher.ts';
import {
  type Libc,
  P_ALL,
  RUSAGE_MAXRSS_OFFSET,
  RUSAGE_SIZE,
  SI_PID_OFFSET,
  SIGINFO_SIZE,
  WEXITED,
  WNOHANG,
  WNOWAIT,
} from './libc.ts';

/** Whose an ended child seems to be that the reaper was not told of. */
export type ChildOrigin =
  /** It came of a process that was launched. */
  | 'descendant'
  /** It may be a process that is being launched: its end will be asked for. */
  | 'launching'
  /** Somebody else's, or nobody's. */
  | 'unknown';

/**
 * How long an ended child is left to whoever else may have started it, in
 * milliseconds. libuv reaps its children in the turn of the event loop in which it
 * hears of their ends, and the kernel may tell another thread than that of the loop. That may
 * be kept from running for longer than this, so that libuv is told once more before anything is taken.
 */
const UNCLAIMED_MS: Readonly<Record<ChildOrigin, number>> = {
  descendant: 2,
  launching: 1000,
  unknown: 1000,
};

/** The shortest of these: by then most that will be asked for were. */
const SOON_MS = UNCLAIMED_MS.descendant;

/** Children of which every one is tried at once when an ended one hides those behind it. */
const MAX_TRIED_AT_ONCE = 64;

/**
 * Collects the ends of the children that it is told of, and of orphans, which the
 * kernel gives to this process as their new parent; of no others: children of
 * Node.js are reaped by libuv, which would lose their exit codes otherwise.
 *
 * The kernel says with SIGCHLD that some child ended, and one signal may stand for
 * many. Whose ended is asked without reaping; only if that is somebody else's
 * child, which hides those behind it, every own one is tried; if there are many, that
 * is put off for a moment, in which it most often goes away.
 */
export class ChildReaper {
  readonly #libc: Libc;
  readonly #originOf: (pid: number) => ChildOrigin;
  /** What the kernel writes to. Every child is tried at times: none has memory of its own. */
  readonly #info = Buffer.alloc(SIGINFO_SIZE);
  readonly #usage = Buffer.alloc(RUSAGE_SIZE);
  readonly #waiting = new Map<number, (end: ProcessEnd) => void>();
  /** The most that was resident of this process, when that was last asked. */
  #ownPeakBytes = 0;
  /** The ended child that nobody reaped so far and that hides those behind it. */
  #unclaimed:
    | {
        readonly pid: number;
        readonly timer: NodeJS.Timeout;
        /** Those that it hides are looked for when the timer fires, and not before. */
        readonly puttingOff: boolean;
      }
    | undefined;

  /** Reaps for as long as this process lives. */
  constructor(libc: Libc, originOf: (pid: number) => ChildOrigin) {
    this.#libc = libc;
    this.#originOf = originOf;
    process.on('SIGCHLD', () => this.#reap());
  }

  /** Whether it was told of a child, which has not been reaped. */
  knows(pid: number): boolean {
    return this.#waiting.has(pid);
  }

  /** Resolves with the end of a child, which must not have been waited for. */
  endOf(pid: number): Promise<ProcessEnd> {
    return new Promise((resolve) => {
      this.#waiting.set(pid, resolve);
      // It may have ended before anybody listened for it.
      if (!this.#tryOne(pid) || this.#unclaimed?.pid !== pid) return;
      clearTimeout(this.#unclaimed.timer);
      this.#unclaimed = undefined;
      this.#reap();
    });
  }

  #reap(): void {
    for (let pid = this.#firstEnded(); pid !== 0; pid = this.#firstEnded()) {
      if (this.#tryOne(pid)) continue;
      this.#leaveUnclaimed(pid);
      if (!this.#unclaimed?.puttingOff) this.#tryAll();
      return;
    }
  }

  #tryAll(): void {
    for (const own of [...this.#waiting.keys()]) this.#tryOne(own);
  }

  /** The pid of a child that ended and was not reaped; 0: there is none. */
  #firstEnded(): number {
    // Nothing is written where there is none.
    this.#info.fill(0);
    const result = this.#libc.waitid(P_ALL, 0, this.#info, WEXITED | WNOHANG | WNOWAIT);
    return result === 0 ? this.#info.readInt32LE(SI_PID_OFFSET) : 0;
  }

  /** Reaps one of its own, if it ended. */
  #tryOne(pid: number): boolean {
    const resolve = this.#waiting.get(pid);
    if (resolve === undefined) return false;
    const status = [0];
    const usage = this.#usage;
    if (this.#libc.wait4(pid, status, WNOHANG, usage) !== pid) return false;
    this.#waiting.delete(pid);
    const peakBytes = Number(usage.readBigInt64LE(RUSAGE_MAXRSS_OFFSET)) * 1024;
    // It never falls, so that it is asked for only by a child that is above what it was.
    if (peakBytes > this.#ownPeakBytes) {
      this.#ownPeakBytes = process.resourceUsage().maxRSS * 1024;
    }
    const peak = peakBytes > this.#ownPeakBytes ? peakBytes : undefined;
    resolve({ status: exitStatus(status[0] ?? 0), usage: resourceUsage(usage, peak) });
    return true;
  }

  /** What is still there when its time is over is an orphan that this process was given. */
  #leaveUnclaimed(pid: number): void {
    if (this.#unclaimed?.pid === pid) return;
    const delayMs = UNCLAIMED_MS[this.#originOf(pid)];
    const take = (): void => this.#takeUnclaimed(pid);
    const puttingOff = this.#waiting.size > MAX_TRIED_AT_ONCE;
    if (!puttingOff || delayMs === SOON_MS) {
      this.#waitUnclaimed(pid, puttingOff, delayMs, take);
      return;
    }
    this.#waitUnclaimed(pid, true, SOON_MS, () => {
      this.#waitUnclaimed(pid, false, delayMs, take);
      this.#reap();
    });
  }

  /** Calls back when time has passed, unless it is another that hides those behind it then. */
  #waitUnclaimed(pid: number, puttingOff: boolean, delayMs: number, then: () => void): void {
    clearTimeout(this.#unclaimed?.timer);
    const timer = setTimeout(() => {
      // What libuv did not hear of so far, it hears of here, and looks at all of its children.
      this.#libc.raise(constants.signals.SIGCHLD);
      // After the ends that are known now have been dealt with: timers come before those.
      setImmediate(() => {
        if (this.#unclaimed?.pid === pid) then();
      });
    }, delayMs);
    timer.unref();
    this.#unclaimed = { pid, timer, puttingOff };
  }

  #takeUnclaimed(pid: number): void {
    this.#unclaimed = undefined;
    if (this.#firstEnded() === pid && !this.knows(pid) && this.#originOf(pid) !== 'launching') {
      this.#libc.wait4(pid, [0], WNOHANG, null);
    }
    this.#reap();
  }
}

/** Reads a status as wait(2) describes it. */
function exitStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { signal };
}

/**
 * Reads a `struct rusage`, getrusage(2): times as seconds and microseconds. Until it
 * executes its program a child shares the server's memory, and the kernel counts that:
 * a peak that is not above the server's own tells nothing, and is undefined here.
 */
function resourceUsage(usage: Buffer, peakResidentBytes: number | undefined): ResourceUsage {
  const milliseconds = (offset: number): number =>
    Number(usage.readBigInt64LE(offset)) * 1000 + Number(usage.readBigInt64LE(offset + 8)) / 1000;
  return { userMs: milliseconds(0), systemMs: milliseconds(16), peakResidentBytes };
}
