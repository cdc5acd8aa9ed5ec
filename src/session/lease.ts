import type { Clock, Timer } from '../clock.ts';

/** How a lease is made. */
export interface LeaseOptions {
  readonly clock: Clock;
  /** How long it lasts after the last hold ended, in milliseconds. */
  readonly ttlMs: number;
  /** Called once, some time after it expired, unless it was ended before. */
  readonly onExpired: () => void;
}

/**
 * How long something lives that nobody may need: as long as it is held, and for
 * a time after the last hold ended.
 *
 * {@link expired} is what counts, to the millisecond. The timer that calls
 * `onExpired` only sweeps up, and may come later. It is set anew not with every
 * hold but when it fires too early, so that a hold costs next to nothing.
 */
export class Lease {
  readonly #options: LeaseOptions;
  #holds = 0;
  #deadline: number;
  #timer: Timer | undefined;
  #ended = false;

  /** Begins as if a hold had just ended. */
  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#deadline = options.clock.monotonic() + options.ttlMs;
    this.#arm(options.ttlMs);
  }

  /** Whether its time is over. */
  get expired(): boolean {
    return this.#holds === 0 && this.#options.clock.monotonic() >= this.#deadline;
  }

  /** For how long nothing has held it; 0: something does. */
  get idleMs(): number {
    if (this.#holds > 0) return 0;
    const { clock, ttlMs } = this.#options;
    return clock.monotonic() - (this.#deadline - ttlMs);
  }

  /** Holds it until the function that is returned is called, once or more. */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (held) this.#release();
      held = false;
    };
  }

  /** Nothing depends on it any more. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #release(): void {
    this.#holds -= 1;
    if (this.#holds > 0 || this.#ended) return;
    const { clock, ttlMs } = this.#options;
    this.#deadline = clock.monotonic() + ttlMs;
    if (this.#timer === undefined) this.#arm(ttlMs);
  }

  #arm(delayMs: number): void {
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      // Held again: whoever ends the last hold sets the timer.
      if (this.#holds > 0) return;
      const remaining = this.#deadline - this.#options.clock.monotonic();
      if (remaining > 0) this.#arm(remaining);
      else this.#options.onExpired();
    });
  }
}
