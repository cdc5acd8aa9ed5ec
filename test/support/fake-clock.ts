import type { Clock, Timer } from '../../src/clock.ts';

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now = 1_700_000_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

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

/** Lets time pass until a promise is settled. */
export async function passTime<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  const passing = setInterval(() => clock.advance(20), 1);
  try {
    return await promise;
  } finally {
    clearInterval(passing);
  }
}
