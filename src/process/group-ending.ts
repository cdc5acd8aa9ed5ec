import { constants } from 'node:os';
import type { Clock, Timer } from '../clock.ts';
import { Latch } from '../latch.ts';
import { GROUP_POLL_MS, KILL_SETTLE_MS } from '../limits.ts';

/** The group that is to be ended, as the ending sees it. */
export interface EndingTarget {
  /** Whether its leader was reaped. */
  leaderExited(): boolean;
  /** Whether any of its members still runs though its leader was reaped. */
  hasMembers(): Promise<boolean>;
  /** Sends a signal, by the machine's number, to all its members. */
  signal(signal: number): void;
}

/**
 * Ends a process group: SIGTERM, a grace, SIGKILL. Over when the leader was
 * reaped and no member is left, or a bounded time after SIGKILL: a process in an
 * uninterruptible wait cannot be hurried.
 *
 * The system tells of the leader's exit ({@link leaderExited}) but not of that of
 * members whose parent is not the server, so these are looked at now and then.
 */
export class GroupEnding {
  readonly #target: EndingTarget;
  readonly #clock: Clock;
  readonly #done = new Latch();
  #killAt = Number.POSITIVE_INFINITY;
  #killed = false;
  #deadline: Timer | undefined;
  #poll: Timer | undefined;

  /** Begins with SIGTERM, unless the first grace is zero. */
  constructor(target: EndingTarget, clock: Clock, graceMs: number) {
    this.#target = target;
    this.#clock = clock;
    if (graceMs > 0) target.signal(constants.signals.SIGTERM);
    this.shorten(graceMs);
    if (target.leaderExited()) void this.#look();
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
    const killAt = this.#clock.now() + graceMs;
    if (this.#killed || this.over || killAt >= this.#killAt) return;
    this.#killAt = killAt;
    this.#deadline?.cancel();
    if (graceMs === 0) this.#kill();
    else this.#deadline = this.#clock.setTimer(graceMs, () => this.#kill());
  }

  /** To be called when the leader was reaped. */
  leaderExited(): void {
    void this.#look();
  }

  #kill(): void {
    this.#killed = true;
    this.#target.signal(constants.signals.SIGKILL);
    this.#deadline = this.#clock.setTimer(KILL_SETTLE_MS, () => this.#finish());
  }

  async #look(): Promise<void> {
    this.#poll?.cancel();
    const hasMembers = await this.#target.hasMembers();
    if (this.over) return;
    if (hasMembers) {
      this.#poll = this.#clock.setTimer(GROUP_POLL_MS, () => void this.#look());
      return;
    }
    // One that was just being forked may have been overlooked; nobody else is left to be hit.
    this.#target.signal(constants.signals.SIGKILL);
    this.#finish();
  }

  #finish(): void {
    this.#deadline?.cancel();
    this.#poll?.cancel();
    this.#done.open();
  }
}
