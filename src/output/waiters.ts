import { WOKEN_AT_ONCE } from './sizes.ts';

/** Those who wait for something new in a log. */
export class Waiters {
  #waiting = new Set<() => void>();
  /** Those to be called, which may be thousands, in the order in which they began to wait. */
  #due = new Set<() => void>();
  #calls = false;

  /** Has a callback called with the next {@link wake}. */
  add(waiter: () => void): void {
    this.#waiting.add(waiter);
  }

  /** Takes that back. */
  remove(waiter: () => void): void {
    this.#waiting.delete(waiter);
    this.#due.delete(waiter);
  }

  /**
   * Calls all who wait, once: some now and others in later turns of the event loop. Those who
   * begin to wait meanwhile are called next time.
   */
  wake(): void {
    if (this.#waiting.size === 0) return;
    if (this.#due.size === 0) {
      const none = this.#due;
      this.#due = this.#waiting;
      this.#waiting = none;
    } else {
      for (const waiter of this.#waiting) this.#due.add(waiter);
      this.#waiting.clear();
    }
    if (!this.#calls) this.#callSome();
  }

  #callSome(): void {
    let called = 0;
    for (const waiter of this.#due) {
      this.#due.delete(waiter);
      waiter();
      called += 1;
      if (called === WOKEN_AT_ONCE) break;
    }
    this.#calls = this.#due.size > 0;
    if (this.#calls) setImmediate(() => this.#callSome());
  }
}
