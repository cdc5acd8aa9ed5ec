/** Calls that are begun in one turn of the event loop at most; see docs/sessions.md. */
const CALLS_PER_TURN = 64;

/**
 * Lets a bounded number of calls begin in each turn of the event loop, in the order in
 * which they were asked for: thousands at a time fill the socket before the answers to
 * the first are read.
 */
export class Pacer {
  #begun = 0;
  #scheduled = false;
  readonly #waiting: (() => void)[] = [];

  /** Resolves when the caller may begin a call. */
  turn(): Promise<void> {
    this.#schedule();
    if (this.#begun < CALLS_PER_TURN && this.#waiting.length === 0) {
      this.#begun += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const admitted = this.#waiting.splice(0, CALLS_PER_TURN);
      this.#begun = admitted.length;
      if (this.#begun > 0) this.#schedule();
      for (const admit of admitted) admit();
    });
  }
}
