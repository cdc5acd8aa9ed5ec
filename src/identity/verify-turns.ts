import { limitExceeded } from '../errors.ts';
import { SECOND } from '../units.ts';

/** How many may be verified at one time, and wait for that. */
export interface VerifyTurnsOptions {
  /** Tasks that run at one time, 1 or more. */
  readonly parallel: number;
  /** Tasks of one owner that run or wait, at most. */
  readonly each: number;
  /** Those of all owners. */
  readonly all: number;
  /** How a caller is told of what is too much. */
  readonly limit: string;
}

/**
 * Lets a few tasks run at one time. The others wait, and each owner's turn comes as often as any
 * other's, however many of them it has: whoever brings any number of credentials that are wrong
 * keeps those of others from nothing.
 */
export class VerifyTurns<Owner> {
  readonly #options: VerifyTurnsOptions;
  /** Those that run or wait, by owner, and of all. */
  readonly #counts = new Map<Owner, number>();
  #all = 0;
  #running = 0;
  /** What begins those that wait, by owner, in the order in which their turn is next. */
  readonly #waiting = new Map<Owner, (() => void)[]>();

  constructor(options: VerifyTurnsOptions) {
    this.#options = options;
  }

  /**
   * Runs a task when it is its turn.
   *
   * @throws RunletError `LIMIT_EXCEEDED`, at once, if there are too many of its owner or of all
   */
  run<T>(owner: Owner, task: () => Promise<T>): Promise<T> {
    const { all, each, limit, parallel } = this.#options;
    const count = this.#counts.get(owner) ?? 0;
    if (count >= each) throw limitExceeded(limit, each, SECOND);
    if (this.#all >= all) throw limitExceeded(limit, all, SECOND);
    this.#counts.set(owner, count + 1);
    this.#all += 1;
    if (this.#running < parallel) {
      this.#running += 1;
      return this.#done(owner, task);
    }
    const turn = new Promise<void>((begin) => {
      const queue = this.#waiting.get(owner);
      if (queue === undefined) this.#waiting.set(owner, [begin]);
      else queue.push(begin);
    });
    return turn.then(() => this.#done(owner, task));
  }

  async #done<T>(owner: Owner, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } finally {
      this.#all -= 1;
      const left = (this.#counts.get(owner) ?? 1) - 1;
      if (left > 0) this.#counts.set(owner, left);
      else this.#counts.delete(owner);
      this.#next();
    }
  }

  /** Whoever is next takes the place of one that has ended. */
  #next(): void {
    for (const [owner, queue] of this.#waiting) {
      const begin = queue.shift();
      // To the end of the row.
      this.#waiting.delete(owner);
      if (queue.length > 0) this.#waiting.set(owner, queue);
      begin?.();
      return;
    }
    this.#running -= 1;
  }
}
