/** Lets so many at a time do something; the others wait in the order in which they came. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  #onWanted: (() => void) | undefined;

  constructor(count: number) {
    this.#free = count;
  }

  /** Calls back once, when somebody waits for a turn. */
  onWanted(callback: () => void): void {
    if (this.#waiting.length > 0) callback();
    else this.#onWanted = callback;
  }

  /** Does something when it is its turn. */
  async use<T>(action: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait();
    try {
      return await action();
    } finally {
      const next = this.#waiting.shift();
      // The slot is handed on, so that nobody who comes now is before those who wait.
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#onWanted?.();
      this.#onWanted = undefined;
    });
  }
}
