import type { ExitStatus, ResourceUsage } from '../../output/event.ts';
import type { ProcessEnd } from '../launcher.ts';
import {
  type Libc,
  P_ALL,
  RUSAGE_SIZE,
  SI_PID_OFFSET,
  SIGINFO_SIZE,
  WEXITED,
  WNOHANG,
  WNOWAIT,
} from './libc.ts';

/**
 * Collects the ends of the children that it is told of, and of no others: those of
 * Node.js are reaped by libuv, which would lose their exit codes otherwise.
 *
 * The kernel says with SIGCHLD that some child ended, and one signal may stand for
 * many. Whose ended is asked without reaping; only if that is somebody else's
 * child, which hides those behind it, every own one is tried.
 */
export class ChildReaper {
  readonly #libc: Libc;
  readonly #waiting = new Map<number, (end: ProcessEnd) => void>();
  readonly #onSignal = (): void => this.#reap();

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Resolves with the end of a child, which must not have been waited for. */
  endOf(pid: number): Promise<ProcessEnd> {
    if (this.#waiting.size === 0) process.on('SIGCHLD', this.#onSignal);
    return new Promise((resolve) => {
      this.#waiting.set(pid, resolve);
      // It may have ended before anybody listened for it.
      this.#tryOne(pid);
    });
  }

  #reap(): void {
    const info = Buffer.alloc(SIGINFO_SIZE);
    while (this.#waiting.size > 0) {
      info.fill(0);
      if (this.#libc.waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) !== 0) return;
      const pid = info.readInt32LE(SI_PID_OFFSET);
      if (pid === 0) return;
      if (!this.#tryOne(pid)) {
        for (const own of [...this.#waiting.keys()]) this.#tryOne(own);
        return;
      }
    }
  }

  /** Reaps one of its own, if it ended. */
  #tryOne(pid: number): boolean {
    const resolve = this.#waiting.get(pid);
    if (resolve === undefined) return false;
    const status = [0];
    const usage = Buffer.alloc(RUSAGE_SIZE);
    if (this.#libc.wait4(pid, status, WNOHANG, usage) !== pid) return false;
    this.#waiting.delete(pid);
    if (this.#waiting.size === 0) process.removeListener('SIGCHLD', this.#onSignal);
    const peak = process.resourceUsage().maxRSS * 1024;
    resolve({ status: exitStatus(status[0] ?? 0), usage: resourceUsage(usage, peak) });
    return true;
  }
}

/** Reads a status as wait(2) describes it. */
function exitStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { signal };
}

/**
 * Reads a `struct rusage`, getrusage(2): times as seconds and microseconds, memory
 * in KiB. Until it executes its program a child shares the server's memory, and
 * the kernel counts that: what is not above the server's own peak tells nothing.
 */
function resourceUsage(usage: Buffer, ownPeakBytes: number): ResourceUsage {
  const milliseconds = (offset: number): number =>
    Number(usage.readBigInt64LE(offset)) * 1000 + Number(usage.readBigInt64LE(offset + 8)) / 1000;
  const peakBytes = Number(usage.readBigInt64LE(32)) * 1024;
  return {
    userMs: milliseconds(0),
    systemMs: milliseconds(16),
    peakResidentBytes: peakBytes > ownPeakBytes ? peakBytes : undefined,
  };
}
