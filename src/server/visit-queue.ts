/** Whoever can be in a {@link VisitQueue}. */
export interface Queued {
  /** Where it comes from, as the queue tells sources apart. */
  readonly source: string;
}

/**
 * Visits in the order in which they came, and of each source how many: which of them has to go
 * first is known at once, however many there are.
 */
export class VisitQueue<V extends Queued> {
  readonly #visits = new Set<V>();
  readonly #bySource = new Map<string, Set<V>>();
  /** The sources that have so many visits, by that number. */
  readonly #ranks: Set<string>[] = [];
  /** The number of those of the source that has most. */
  #most = 0;

  get size(): number {
    return this.#visits.size;
  }

  /** The first is who came first. Whoever leaves meanwhile is passed over. */
  [Symbol.iterator](): IterableIterator<V> {
    return this.#visits.values();
  }

  /** Adds a visit as the last. */
  add(visit: V): void {
    if (this.#visits.has(visit)) return;
    this.#visits.add(visit);
    const { source } = visit;
    const others = this.#bySource.get(source);
    if (others === undefined) this.#bySource.set(source, new Set([visit]));
    else others.add(visit);
    const count = this.#countOf(source);
    this.#ranks[count - 1]?.delete(source);
    this.#rank(count).add(source);
    this.#most = Math.max(this.#most, count);
  }

  /** False: it was not there. */
  remove(visit: V): boolean {
    if (!this.#visits.delete(visit)) return false;
    const { source } = visit;
    const count = this.#countOf(source);
    this.#bySource.get(source)?.delete(visit);
    this.#rank(count).delete(source);
    if (count === 1) this.#bySource.delete(source);
    else this.#rank(count - 1).add(source);
    if (this.#rank(this.#most).size === 0) this.#most -= 1;
    return true;
  }

  /** The first of the source that has most; undefined: there is nobody. */
  firstOfMost(): V | undefined {
    const [source] = this.#most === 0 ? [] : this.#rank(this.#most);
    const [visit] = (source !== undefined && this.#bySource.get(source)) || [];
    return visit;
  }

  #countOf(source: string): number {
    return this.#bySource.get(source)?.size ?? 0;
  }

  #rank(count: number): Set<string> {
    let rank = this.#ranks[count];
    if (rank === undefined) {
      rank = new Set();
      this.#ranks[count] = rank;
    }
    return rank;
  }
}
