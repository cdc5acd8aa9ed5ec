import { setImmediate } from 'node:timers';

/** How {@link FairTurns} divides. */
export interface FairTurnsOptions<T> {
  /** How many are begun in one turn of the event loop. */
  readonly perTurn: number;
  readonly begin: (item: T) => void;
  /** Calls back in the next turn of the event loop. Default: that of Node.js. */
  readonly atNextTurn?: (callback: () => void) => void;
}

/**
 * Lets what arrives begin a few at a time in each turn of the event loop, so that others get
 * theirs in between, and those from whom it comes in turn, however much one of them brings. What
 * comes while nothing waits begins at once; the order of what comes from one is kept.
 */
export class FairTurns<T> {
  readonly #options: FairTurnsOptions<T>;
  /** What waits of each from whom something does; who was served goes to the end. */
  readonly #waiting = new Map<unknown, Set<T>>();
  /** How many may still begin in this turn. */
  #left: number;
  #counting = false;

  constructor(options: FairTurnsOptions<T>) {
    this.#options = options;
    this.#left = options.perTurn;
  }

  /** How many from somebody wait. */
  waiting(who: unknown): number {
    return this.#waiting.get(who)?.size ?? 0;
  }

  /** Begins it now or in its turn. */
  add(who: unknown, item: T): void {
    this.#count();
    if (this.#waiting.size === 0 && this.#left > 0) {
      this.#left -= 1;
      this.#options.begin(item);
      return;
    }
    const queue = this.#waiting.get(who);
    if (queue === undefined) this.#waiting.set(who, new Set([item]));
    else queue.add(item);
  }

  /** Begins it no more, if it waits. */
  remove(who: unknown, item: T): void {
    const queue = this.#waiting.get(who);
    if (queue?.delete(item) && queue.size === 0) this.#waiting.delete(who);
  }

  #count(): void {
    if (this.#counting) return;
    this.#counting = true;
    const { atNextTurn = setImmediate } = this.#options;
    atNextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#counting = false;
    this.#left = this.#options.perTurn;
    while (this.#left > 0) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      this.#left -= 1;
      this.#count();
      const [who, queue] = first;
      const [item] = queue;
      this.#waiting.delete(who);
      if (item === undefined) continue;
      queue.delete(item);
      if (queue.size > 0) this.#waiting.set(who, queue);
      this.#options.begin(item);
    }
  }
}
