const EMPTY = new Uint32Array(0);

/** Entries that there is room for at first. */
const FIRST_LENGTH = 4;

/** A list of numbers below 2^32, which says how much memory it has. */
export class Uint32List {
  #items = EMPTY;
  #length = 0;

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of memory that it has. */
  get bytes(): number {
    return this.#items.byteLength;
  }

  /** Appends one. */
  push(item: number): void {
    if (this.#length === this.#items.length) {
      this.#resize(Math.max(FIRST_LENGTH, 2 * this.#length));
    }
    this.#items[this.#length++] = item;
  }

  /** The one at a place, from 0; undefined beyond the end. */
  at(index: number): number | undefined {
    return index < this.#length ? this.#items[index] : undefined;
  }

  /** Of a list in order from an index on: the index of the last that is not beyond `limit`, or the one before. */
  lastWithin(first: number, limit: number): number {
    let low = first - 1;
    let high = this.#length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#items[middle] ?? 0) <= limit) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Gives back the memory that it does not use. */
  trim(): void {
    if (this.#length < this.#items.length) this.#resize(this.#length);
  }

  #resize(length: number): void {
    const items = new Uint32Array(length);
    items.set(this.#items.subarray(0, this.#length));
    this.#items = items;
  }
}
