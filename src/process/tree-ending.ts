import { constants } from 'node:os';
import type { Clock, Timer } from '../clock.ts';
import { Latch } from '../latch.ts';
import { KILL_SETTLE_MS, MAX_TREE_POLL_MS, TREE_POLL_MS } from '../limits.ts';

/** The tree that is to be ended, as the ending sees it. */
export interface EndingTarget {
  /** It has a terminal, which hangs up. */
  readonly hangsUp: boolean;
  /** Whether its leader was reaped. */
  leaderExited(): boolean;
  /** Looks for members, so that a signal reaches them. */
  collect(): Promise<void>;
  /** Whether any of its members still runs though its leader was reaped. */
  hasMembers(): Promise<boolean>;
  /** Sends a signal, by the machine's number, to all members that were found. */
  signal(signal: number): void;
}

/**
 * Ends a process tree: SIGTERM, a grace, SIGKILL. SIGCONT follows the first, since what is
 * stopped acts on nothing; with a terminal SIGHUP too, as when that hangs up: a shell
 * that is typed into ignores SIGTERM. Over when the leader was reaped
 * and no member is left, or a bounded time after SIGKILL: a process in an
 * uninterruptible wait cannot be hurried.
 *
 * Members are looked for before each signal, since those that left the group are
 * found by way of parents that the signal may end. The system tells of the
 * leader's exit ({@link leaderExited}) but not of that of members whose parent is
 * not the server, so these are looked at now and then.
 */
export class TreeEnding {
  readonly #target: EndingTarget;
  readonly #clock: Clock;
  readonly #done = new Latch();
  #killAt = Number.POSITIVE_INFINITY;
  #killed = false;
  #deadline: Timer | undefined;
  #poll: Timer | undefined;
  /** Since when it is looked at members, on the monotonic clock; anew after SIGKILL. */
  #looksSince: number | undefined;

  /** Begins with SIGTERM, unless the first grace is zero. */
  constructor(target: EndingTarget, clock: Clock, graceMs: number) {
    this.#target = target;
    this.#clock = clock;
    this.shorten(graceMs);
    if (graceMs > 0) void this.#terminate();
  }

  /** Whether it is over. */
  get over(): boolean {
    return this.#done.isOpen;
  }

  /** Resolves when it is over. */
  wait(): Promise<boolean> {
    return this.#done.wait();
  }

  /** Lets the grace end `graceMs` from now, if that is earlier than it would. */
  shorten(graceMs: number): void {
    const killAt = this.#clock.monotonic() + graceMs;
    if (this.#killed || this.over || killAt >= this.#killAt) return;
    this.#killAt = killAt;
    this.#deadline?.cancel();
    if (graceMs === 0) void this.#kill();
    else this.#deadline = this.#clock.setTimer(graceMs, () => void this.#kill());
  }

  /** To be called when the leader was reaped. */
  leaderExited(): void {
    void this.#look();
  }

  async #terminate(): Promise<void> {
    await this.#target.collect();
    if (this.over || this.#killed) return;
    this.#target.signal(constants.signals.SIGTERM);
    if (this.#target.hangsUp) this.#target.signal(constants.signals.SIGHUP);
    this.#target.signal(constants.signals.SIGCONT);
    if (this.#target.leaderExited()) await this.#look();
  }

  async #kill(): Promise<void> {
    this.#killed = true;
    this.#looksSince = undefined;
    this.#deadline = this.#clock.setTimer(KILL_SETTLE_MS, () => this.#finish());
    await this.#target.collect();
    // Sent even if it took so long that nobody waits any more.
    this.#target.signal(constants.signals.SIGKILL);
    if (this.#target.leaderExited() && !this.over) await this.#look();
  }

  async #look(): Promise<void> {
    this.#poll?.cancel();
    const hasMembers = await this.#target.hasMembers();
    if (this.over) return;
    // One that was just being forked may have been overlooked, and after SIGKILL
    // one that was forked in the meantime is not spared. Nobody else is left to be hit.
    if (!hasMembers || this.#killed) this.#target.signal(constants.signals.SIGKILL);
    this.#poll?.cancel();
    if (hasMembers) this.#poll = this.#clock.setTimer(this.#pollMs(), () => void this.#look());
    else this.#finish();
  }

  /** Longer the longer it goes on: what takes a minute to end need not be told to the instant. */
  #pollMs(): number {
    const now = this.#clock.monotonic();
    this.#looksSince ??= now;
    return Math.max(TREE_POLL_MS, Math.min(MAX_TREE_POLL_MS, (now - this.#looksSince) / 8));
  }

  #finish(): void {
    this.#deadline?.cancel();
    this.#poll?.cancel();
    this.#done.open();
  }
}
