/**
 * Counts something for each of several names. A name with nothing is not remembered, so that
 * it takes no more memory than there are names with something.
 */
export class Tally {
  readonly #counts = new Map<string, number>();
  #total = 0;

  /** How many names have something. */
  get size(): number {
    return this.#counts.size;
  }

  /** How much all names have together. */
  get total(): number {
    return this.#total;
  }

  /** How much a name has. */
  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** A name has so much more. */
  add(name: string, amount: number): void {
    const sum = this.of(name) + amount;
    this.#total += amount;
    if (sum === 0) this.#counts.delete(name);
    else this.#counts.set(name, sum);
  }

  /** A name has so much less. */
  remove(name: string, amount: number): void {
    this.add(name, -amount);
  }
}
