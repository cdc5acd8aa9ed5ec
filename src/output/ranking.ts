/**
 * Items with a rank each, of which the first is at hand. Setting a rank, which may be changed
 * at any time, and removing an item take a time that grows with the logarithm of their number.
 */
export class Ranking<T> {
  /** A binary heap: none is before the one at half its index. */
  readonly #items: T[] = [];
  readonly #ranks: number[] = [];
  readonly #indexes = new Map<T, number>();

  /** The item with the lowest rank; undefined: there is none. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** The lowest rank; infinity: there is no item. */
  get firstRank(): number {
    return this.#ranks[0] ?? Number.POSITIVE_INFINITY;
  }

  /** How many items there are. */
  get size(): number {
    return this.#items.length;
  }

  /** All items, in no order. */
  items(): Iterable<T> {
    return this.#items;
  }

  /** Whether an item has a rank. */
  has(item: T): boolean {
    return this.#indexes.has(item);
  }

  /** Gives an item a rank; undefined: it is none any more. */
  set(item: T, rank: number | undefined): void {
    const index = this.#indexes.get(item);
    if (rank === undefined) {
      if (index !== undefined) this.#remove(item, index);
    } else if (index === undefined) {
      this.#rise(this.#items.length, item, rank);
    } else if (rank !== this.#ranks[index]) {
      this.#place(index, item, rank);
    }
  }

  #remove(item: T, index: number): void {
    this.#indexes.delete(item);
    const last = this.#items.pop();
    const rank = this.#ranks.pop();
    if (last === undefined || rank === undefined || last === item) return;
    this.#place(index, last, rank);
  }

  #place(index: number, item: T, rank: number): void {
    const parent = (index - 1) >> 1;
    if (index > 0 && rank < this.#rankAt(parent)) this.#rise(index, item, rank);
    else this.#sink(index, item, rank);
  }

  #rise(from: number, item: T, rank: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#rankAt(parent) <= rank) break;
      this.#move(parent, index);
      index = parent;
    }
    this.#put(index, item, rank);
  }

  #sink(from: number, item: T, rank: number): void {
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (this.#rankAt(child + 1) < this.#rankAt(child)) child += 1;
      if (this.#rankAt(child) >= rank) break;
      this.#move(child, index);
      index = child;
    }
    this.#put(index, item, rank);
  }

  #rankAt(index: number): number {
    return this.#ranks[index] ?? Number.POSITIVE_INFINITY;
  }

  #move(from: number, to: number): void {
    const item = this.#items[from];
    const rank = this.#ranks[from];
    if (item !== undefined && rank !== undefined) this.#put(to, item, rank);
  }

  #put(index: number, item: T, rank: number): void {
    this.#items[index] = item;
    this.#ranks[index] = rank;
    this.#indexes.set(item, index);
  }
}
