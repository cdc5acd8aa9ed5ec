/**
 * A fact that becomes true once, and those who wait for it. Unlike a promise it
 * keeps nothing of a wait that was given up.
 */
export class Latch {
  #open = false;
  readonly #waiters = new Set<() => void>();

  /** Whether it is true already. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Makes it true. Idempotent. */
  open(): void {
    this.#open = true;
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }

  /** Resolves to true when it is, or to false if the signal aborts before. */
  wait(signal?: AbortSignal): Promise<boolean> {
    if (this.#open || signal?.aborted) return Promise.resolve(this.#open);
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#waiters.delete(settle);
        signal?.removeEventListener('abort', settle);
        resolve(this.#open);
      };
      this.#waiters.add(settle);
      signal?.addEventListener('abort', settle);
    });
  }
}
