import type { Clock } from '../clock.ts';
import { limitExceeded } from '../errors.ts';
import { START_BURST_SECONDS } from '../limits.ts';
import type { PrincipalLimits } from './principal-limits.ts';

/**
 * Bounds how often each principal starts something: a bucket of tokens for each, of which it
 * gets so many a second. What is kept of one is when its bucket is full again
 * (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm), and nothing once it is.
 */
export class StartRates {
  readonly #clock: Clock;
  readonly #limits: PrincipalLimits;
  /** On the monotonic clock. Those who started last are at the end. */
  readonly #fullAt = new Map<string, number>();

  constructor(clock: Clock, limits: PrincipalLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Principals of whom something is known. */
  get size(): number {
    this.#forget(this.#clock.monotonic());
    return this.#fullAt.size;
  }

  /**
   * Takes a token of a principal's.
   *
   * @throws RunletError `LIMIT_EXCEEDED` if it has none, with the time until it has
   */
  take(principal: string): void {
    const { maxPrincipalStartsPerSecond: rate } = this.#limits.of(principal);
    if (rate === 0) return;
    const now = this.#clock.monotonic();
    this.#forget(now);
    const tokenMs = 1000 / rate;
    const fullAt = Math.max(now, this.#fullAt.get(principal) ?? now) + tokenMs;
    const waitMs = fullAt - now - Math.max(1000 * START_BURST_SECONDS, tokenMs);
    if (waitMs > 0) {
      throw limitExceeded('max_principal_starts_per_second', rate, Math.ceil(waitMs));
    }
    this.#fullAt.delete(principal);
    this.#fullAt.set(principal, fullAt);
  }

  /** Those whose buckets are full, of the ones who started nothing for longest. */
  #forget(now: number): void {
    for (const [principal, fullAt] of this.#fullAt) {
      // Those behind it are full within the same time, and are forgotten then.
      if (fullAt > now) return;
      this.#fullAt.delete(principal);
    }
  }
}
