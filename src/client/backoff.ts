/** How the pauses between attempts to connect grow. */
export interface BackoffOptions {
  /** The longest that the first pause can be, in milliseconds. */
  readonly initialMs: number;
  /** The longest that any can be, in milliseconds. */
  readonly maxMs: number;
  /** A random number from 0 to less than 1. */
  readonly random: () => number;
}

/**
 * Pauses that double from one attempt to the next, each drawn at random from its upper
 * half, so that clients which lost the same server do not come back all at once.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempts = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The next pause, in milliseconds. */
  next(): number {
    const { initialMs, maxMs, random } = this.#options;
    const most = Math.min(maxMs, initialMs * 2 ** this.#attempts);
    this.#attempts += 1;
    return (most / 2) * (1 + random());
  }

  /** Begins anew: an attempt succeeded. */
  reset(): void {
    this.#attempts = 0;
  }
}
