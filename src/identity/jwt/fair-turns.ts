/**
 * Lets a few tasks run at one time. The others wait, and each owner's turn comes as often as any
 * other's, however many of them it has. How many wait is bounded by whoever uses it.
 */
export class FairTurns {
  readonly #parallel: number;
  #running = 0;
  /** By owner, in the order in which their turn is next. */
  readonly #waiting = new Map<object, (() => void)[]>();

  /** `parallel`: tasks at one time, 1 or more. */
  constructor(parallel: number) {
    this.#parallel = parallel;
  }

  /** Runs a task when it is its turn. */
  async run<T>(owner: object, task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#parallel) this.#running += 1;
    else await this.#turn(owner);
    try {
      return await task();
    } finally {
      this.#next();
    }
  }

  #turn(owner: object): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#waiting.get(owner);
      if (queue === undefined) this.#waiting.set(owner, [resolve]);
      else queue.push(resolve);
    });
  }

  /** Whoever is next takes the place of one that has ended. */
  #next(): void {
    for (const [owner, queue] of this.#waiting) {
      const begin = queue.shift();
      this.#waiting.delete(owner);
      if (queue.length > 0) this.#waiting.set(owner, queue);
      begin?.();
      return;
    }
    this.#running -= 1;
  }
}
