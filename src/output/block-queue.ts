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
 * Blocks of many logs in the order in which they came. Nobody says when one does
 * not count any more: such are passed over, and sorted out when there are many.
 */
export class BlockQueue<Log> {
  readonly #counts: (held: HeldBlock<Log>) => boolean;
  #queue = new Fifo<HeldBlock<Log>>();
  #pruneAt = MIN_PRUNE;

  constructor(counts: (held: HeldBlock<Log>) => boolean) {
    this.#counts = counts;
  }

  /** Appends one. */
  push(held: HeldBlock<Log>): void {
    this.#queue.push(held);
    if (this.#queue.length >= this.#pruneAt) this.#prune();
  }

  /**
   * Takes the first that `take` accepts; false: it accepts none. Those that it does
   * not accept go to the end.
   */
  takeFirst(take: (held: HeldBlock<Log>) => boolean): boolean {
    for (let left = this.#queue.length; left > 0; left--) {
      const held = this.#queue.shift();
      if (held === undefined || !this.#counts(held)) continue;
      if (take(held)) return true;
      this.#queue.push(held);
    }
    return false;
  }

  #prune(): void {
    const kept = new Fifo<HeldBlock<Log>>();
    for (let held = this.#queue.shift(); held !== undefined; held = this.#queue.shift()) {
      if (this.#counts(held)) kept.push(held);
    }
    this.#queue = kept;
    this.#pruneAt = Math.max(MIN_PRUNE, 2 * kept.length);
  }
}
