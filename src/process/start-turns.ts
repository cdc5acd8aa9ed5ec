import type { Clock } from '../clock.ts';

/** How many starts are under way at one time: enough to keep all threads that launch busy. */
const STARTS_AT_ONCE = 16;

/**
 * How long a start may take before the others go on without waiting for it, in milliseconds:
 * a program may be on a file system that does not answer.
 */
const SLOW_START_MS = 500;

/**
 * Lets starts begin in turn: those who ask for them each at a time, however many one of them
 * has asked for.
 */
export class StartTurns {
  readonly #clock: Clock;
  /** Those who wait, each with what it waits for; who was served goes to the end. */
  readonly #waiting = new Map<unknown, (() => void)[]>();
  #free = STARTS_AT_ONCE;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts something when it is the turn of whoever asks for it. */
  async use<T>(who: unknown, start: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(who);
    let over = false;
    const leave = (): void => {
      if (over) return;
      over = true;
      slow.cancel();
      this.#next();
    };
    const slow = this.#clock.setTimer(SLOW_START_MS, leave);
    try {
      return await start();
    } finally {
      leave();
    }
  }

  #wait(who: unknown): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#waiting.get(who);
      if (queue === undefined) this.#waiting.set(who, [resolve]);
      else queue.push(resolve);
    });
  }

  /** Hands a place on, so that nobody who comes now is before those who wait. */
  #next(): void {
    for (const [who, queue] of this.#waiting) {
      const begin = queue.shift();
      this.#waiting.delete(who);
      if (queue.length > 0) this.#waiting.set(who, queue);
      if (begin === undefined) continue;
      begin();
      return;
    }
    this.#free += 1;
  }
}
