/** Something that waits for its turn. */
type Job = () => void;

/**
 * Bounds how many operations are under way at one time. Those that wait are begun
 * in the order in which they came for one owner, and in turn between owners, so
 * that an owner with many of them does not hold up the others.
 */
export class IoSlots {
  readonly #limit: number;
  #underWay = 0;
  /** Never empty ones; the first owner is the next whose turn it is. */
  readonly #waiting = new Map<object, Job[]>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs an operation when it is its turn, and passes on its outcome. */
  async run<T>(owner: object, operation: () => Promise<T>): Promise<T> {
    if (this.#underWay < this.#limit) this.#underWay += 1;
    else await this.#turn(owner);
    try {
      return await operation();
    } finally {
      this.#passOn();
    }
  }

  #turn(owner: object): Promise<void> {
    return new Promise((resolve) => {
      const jobs = this.#waiting.get(owner);
      if (jobs === undefined) this.#waiting.set(owner, [resolve]);
      else jobs.push(resolve);
    });
  }

  /** Gives the slot to the next one that waits, so that nobody can come in between. */
  #passOn(): void {
    const [entry] = this.#waiting;
    if (entry === undefined) {
      this.#underWay -= 1;
      return;
    }
    const [owner, jobs] = entry;
    const job = jobs.shift();
    this.#waiting.delete(owner);
    if (jobs.length > 0) this.#waiting.set(owner, jobs);
    job?.();
  }
}
