/** Any time: the longest that a timer of Node.js can wait, in milliseconds. */
const LONG_MS = 2 ** 31 - 1;

/**
 * Keeps this program from ending while it waits for something of a client. Nothing else of that
 * does: neither its connections nor its timers.
 */
export class KeepAlive {
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Something is waited for. Returns what says that it is no longer, to be called once. */
  hold(): () => void {
    this.#count += 1;
    this.#timer ??= setInterval(() => {}, LONG_MS);
    return () => {
      this.#count -= 1;
      if (this.#count > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** What a promise gives, which is waited for. */
  async during<T>(promise: Promise<T>): Promise<T> {
    const release = this.hold();
    try {
      return await promise;
    } finally {
      release();
    }
  }
}
