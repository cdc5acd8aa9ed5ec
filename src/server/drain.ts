import type { Clock, Timer } from '../clock.ts';
import { DRAIN_LOOK_MS } from '../limits.ts';

/** What becomes of processes while a server drains. */
export const DRAIN_MODES = ['terminate', 'wait'] as const;

/** One of {@link DRAIN_MODES}. */
export type DrainMode = (typeof DRAIN_MODES)[number];

/** What is to end before a server does. */
export interface Drained {
  /** How many there are still: sessions that are needed, and processes. */
  readonly left: () => number;
  /** How long they may take, in milliseconds; 0: they are not waited for. */
  readonly ms: number;
  readonly clock: Clock;
  /** Ends the wait. */
  readonly hurried: AbortSignal;
}

/** Resolves when nothing is left, or the time is over, or somebody cannot wait. */
export function drained({ clock, hurried, left, ms }: Drained): Promise<void> {
  const began = clock.monotonic();
  return new Promise((resolve) => {
    let timer: Timer | undefined;
    const done = (): void => {
      timer?.cancel();
      hurried.removeEventListener('abort', done);
      resolve();
    };
    const look = (): void => {
      const remainingMs = began + ms - clock.monotonic();
      if (remainingMs <= 0 || hurried.aborted || left() === 0) done();
      else timer = clock.setTimer(Math.min(remainingMs, DRAIN_LOOK_MS), look);
    };
    hurried.addEventListener('abort', done);
    look();
  });
}
