/** A queue from which the front is taken at little cost, however long it is. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  /** How many are in it. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Appends one. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** The one at a place, from 0; undefined beyond the end. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  /** Inserts one at a place, from 0. */
  insert(index: number, item: T): void {
    this.#items.splice(this.#head + index, 0, item);
  }

  /** Removes the one at a place, from 0. */
  remove(index: number): void {
    if (index === 0) this.shift();
    else this.#items.splice(this.#head + index, 1);
  }

  /** Takes the first; undefined: it is empty. */
  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.length === 0) return undefined;
    this.#items[this.#head++] = undefined;
    // Moving what is left pays off once half of the array is empty.
    if (this.#head >= 64 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
