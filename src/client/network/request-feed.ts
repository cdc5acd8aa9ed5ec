/** One that was offered. `settle`: whether the transport took it. */
interface Offer<T> {
  readonly value: T;
  readonly settle: (taken: boolean) => void;
}

/**
 * Requests of a call, one at a time: the next is offered when the transport has taken the one
 * before, so that nothing piles up here.
 *
 * @internal
 */
export class RequestFeed<T> implements AsyncIterable<T> {
  /** Offered, and not asked for yet. */
  #offered: Offer<T> | undefined;
  /** Asked for, and not yet taken: the transport says so by asking for the next. */
  #sent: Offer<T> | undefined;
  #wake: (() => void) | undefined;
  #over = false;

  /** Offers one. Resolves with whether it was taken: it is not when the call is over. */
  offer(value: T): Promise<boolean> {
    if (this.#over) return Promise.resolve(false);
    return new Promise((settle) => {
      this.#offered = { value, settle };
      this.#wake?.();
    });
  }

  /** Nothing more comes. What was offered and not taken is dropped. Idempotent. */
  end(): void {
    this.#over = true;
    this.#offered?.settle(false);
    this.#offered = undefined;
    this.#wake?.();
  }

  /** For the transport, once. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () => this.#next(),
      // It reads no further: the call was answered, or failed.
      return: async () => {
        this.#sent?.settle(false);
        this.#sent = undefined;
        this.end();
        return { done: true, value: undefined };
      },
    };
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    this.#sent?.settle(true);
    this.#sent = undefined;
    if (this.#offered === undefined && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const offered = this.#offered;
    if (offered === undefined) return { done: true, value: undefined };
    this.#offered = undefined;
    this.#sent = offered;
    return { done: false, value: offered.value };
  }
}
