import type { EventBlock } from './event-block.ts';
import { Fifo } from './fifo.ts';

/** Entries after which those that do not count any more are looked for. */
const MIN_PRUNE = 1024;

/** A block, and whose it is. */
export interface HeldBlock<Log> {
  readonly log: Log;
  readonly block: EventBlock;
}

/**
 * Blocks of many logs in the order in which they came. Those that do not count any more
 * are passed over, and sorted out when there are many.
 */
export class BlockQueue<Log> {
  readonly #counts: (held: HeldBlock<Log>) => boolean;
  #queue = new Fifo<HeldBlock<Log>>();
  #pruneAt = MIN_PRUNE;
  #forgotten = 0;

  constructor(counts: (held: HeldBlock<Log>) => boolean) {
    this.#counts = counts;
  }

  /** Appends one. */
  push(held: HeldBlock<Log>): void {
    this.#queue.push(held);
    if (this.#queue.length >= this.#pruneAt) this.#prune();
  }

  /**
   * Puts one back that did not count for a while, or was taken: where it was, by the
   * order in which all were begun.
   */
  putBack(held: HeldBlock<Log>): void {
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#queue.at(middle)?.block.order ?? 0) < held.block.order) low = middle + 1;
      else high = middle;
    }
    if (this.#queue.at(low)?.block !== held.block) this.#queue.insert(low, held);
  }

  /**
   * Takes the first that `take` accepts; false: it accepts none. Those that it does
   * not accept stay where they are.
   */
  takeFirst(take: (held: HeldBlock<Log>) => boolean): boolean {
    for (let index = 0; ; ) {
      const held = this.#queue.at(index);
      if (held === undefined) return false;
      const counts = this.#counts(held);
      if (counts && take(held)) {
        this.#queue.remove(index);
        return true;
      }
      if (!counts && index === 0) this.#queue.shift();
      else index += 1;
    }
  }

  /**
   * So many blocks, of which some may be in it, will never count again. An entry holds
   * all that its log does, so no more of them stay than there are others.
   */
  forget(count: number): void {
    this.#forgotten += count;
    if (this.#forgotten * 2 >= this.#queue.length) this.#prune();
  }

  #prune(): void {
    this.#forgotten = 0;
    const kept = new Fifo<HeldBlock<Log>>();
    for (let held = this.#queue.shift(); held !== undefined; held = this.#queue.shift()) {
      if (this.#counts(held)) kept.push(held);
    }
    this.#queue = kept;
    this.#pruneAt = Math.max(MIN_PRUNE, 2 * kept.length);
  }
}
