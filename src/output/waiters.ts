/** Those who wait for something new in a log. */
export class Waiters {
  #waiting = new Set<() => void>();

  /** Has a callback called with the next {@link wake}. */
  add(waiter: () => void): void {
    this.#waiting.add(waiter);
  }

  /** Takes that back. */
  remove(waiter: () => void): void {
    this.#waiting.delete(waiter);
  }

  /** Calls all who wait, once; those who begin to wait meanwhile are called next time. */
  wake(): void {
    if (this.#waiting.size === 0) return;
    const waiters = this.#waiting;
    this.#waiting = new Set();
    for (const waiter of waiters) waiter();
  }
}
