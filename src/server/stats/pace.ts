import type { Clock } from '../../clock.ts';

/** How often something may be done. */
export interface PaceOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Milliseconds between two times, at least. */
  readonly everyMs: number;
  /** The part of all time that it may take: it is done more seldom where it takes long. */
  readonly part: number;
}

/**
 * Says when something is to be done again that takes time. Of two times in a row the shorter one
 * counts: what else keeps the machine busy, or this program when it begins, is not its doing.
 */
export class Pace {
  readonly #options: PaceOptions;
  #next = Number.NEGATIVE_INFINITY;
  #lastSpentMs = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Whether it may be done now. */
  get isDue(): boolean {
    return this.waitMs === 0;
  }

  /** How long it is until it may be done. */
  get waitMs(): number {
    return Math.max(0, this.#next - this.#options.clock.monotonic());
  }

  /** It was done, and took so long. */
  done(spentMs: number): void {
    const { clock, everyMs, part } = this.#options;
    const leastMs = Math.min(spentMs, this.#lastSpentMs);
    this.#lastSpentMs = spentMs;
    this.#next = clock.monotonic() + Math.max(everyMs, leastMs / part);
  }
}
