import type { Clock, Timer } from '../clock.ts';
import { HUNG_START_MS, SATURATED_STARTS_MS } from '../limits.ts';
import { type Asker, TurnQueue } from '../turn-queue.ts';
import { startFailure } from './start-failure.ts';

/** Threads of libuv's pool where nothing else is said. */
const POOL_THREADS = 4;

/** How many threads all that cannot be done on the event loop shares: starts and files. */
export function poolThreads(env: Readonly<Record<string, string | undefined>>): number {
  const threads = Number.parseInt(env['UV_THREADPOOL_SIZE'] ?? '', 10);
  return threads >= 1 ? threads : POOL_THREADS;
}

interface Waiting {
  readonly begin: () => void;
  readonly fail: (error: Error) => void;
}

/**
 * Lets starts begin in turn: principals each at a time, and of one those who ask for them,
 * however many one of them has asked for.
 *
 * Each may hold a thread of the pool that it shares with the reading and writing of files,
 * for ever where a file system does not answer. So half of the threads are for starts, and
 * one that hangs hands its turn on; all that hang together leave a thread to others. When no
 * more can begin for long, those who wait are refused.
 */
export class StartTurns {
  readonly #clock: Clock;
  /** How many begin at one time, and how many may be under way with those that hang. */
  readonly #atOnce: number;
  readonly #atMost: number;
  readonly #waiting = new TurnQueue<Waiting>();
  #begun = 0;
  #hung = 0;
  /** Runs while all hang that may; fires once. */
  #saturated: Timer | undefined;
  #refusing = false;

  constructor(clock: Clock, threads: number) {
    this.#clock = clock;
    this.#atOnce = Math.max(1, Math.floor(threads / 2));
    this.#atMost = Math.max(1, threads - 1);
  }

  /** Whether a start hangs, or takes as long as one that does. */
  get hanging(): boolean {
    return this.#hung > 0;
  }

  /**
   * Starts something when it is the turn of whoever asks for it.
   *
   * @throws RunletError `START_FAILED` if so many starts hang that it will hardly be
   */
  async use<T>(who: Asker, start: () => Promise<T>): Promise<T> {
    if (this.#refusing) throw tooManyHang();
    if (this.#hasRoom()) this.#begun += 1;
    else await this.#wait(who);
    let hung = false;
    const timer = this.#clock.setTimer(HUNG_START_MS, () => {
      hung = true;
      this.#begun -= 1;
      this.#hung += 1;
      this.#next();
    });
    try {
      return await start();
    } finally {
      timer.cancel();
      if (hung) this.#hung -= 1;
      else this.#begun -= 1;
      this.#next();
    }
  }

  #hasRoom(): boolean {
    return this.#begun < this.#atOnce && this.#begun + this.#hung < this.#atMost;
  }

  #wait(who: Asker): Promise<void> {
    return new Promise((begin, fail) => this.#waiting.push(who, { begin, fail }));
  }

  /** Hands places on at once, so that nobody who comes now is before those who wait. */
  #next(): void {
    this.#watchSaturation();
    while (this.#hasRoom()) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) return;
      this.#begun += 1;
      waiting.begin();
    }
  }

  #watchSaturation(): void {
    if (this.#hung < this.#atMost) {
      this.#saturated?.cancel();
      this.#saturated = undefined;
      this.#refusing = false;
      return;
    }
    this.#saturated ??= this.#clock.setTimer(SATURATED_STARTS_MS, () => {
      this.#refusing = true;
      for (const { fail } of this.#waiting.clear()) fail(tooManyHang());
    });
  }
}

function tooManyHang(): Error {
  return startFailure('SPAWN', 'ETIMEDOUT', 'too many starts wait for a file system: ETIMEDOUT');
}
