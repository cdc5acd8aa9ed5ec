import type { Clock, Timer } from '../../src/clock.ts';

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  /** Stands at this moment, in milliseconds since the epoch. */
  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Lets time pass in which no timer fires, as on a machine that is busy with something else. */
  skip(ms: number): void {
    this.#now += ms;
  }

  /** Lets time pass; timers fire in order, each at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = end;
  }
}

/**
 * Lets time pass until a promise is settled: as much as really does, since what else is
 * waited for, processes that end, takes its time on a machine that is busy.
 */
export async function passTime<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  const began = performance.now();
  let passed = 0;
  const passing = setInterval(() => {
    const ms = Math.floor(performance.now() - began) - passed;
    passed += ms;
    clock.advance(ms);
  }, 1);
  try {
    return await promise;
  } finally {
    clearInterval(passing);
  }
}
