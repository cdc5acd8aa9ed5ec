import type { EventBlock } from './event-block.ts';
import { Fifo } from './fifo.ts';

/** Bytes of memory in which is the size of an event. */
const SIZE_BYTES = 4;

/**
 * The blocks of a log that are in files or lost, and what is known of them: where they are and,
 * of the newer ones, the sizes of their events, which take memory as well.
 */
export class KnownBlocks {
  readonly #recordBytes: number;
  readonly #maxSizesBytes: number;
  readonly #blocks = new Set<EventBlock>();
  /** Those whose sizes are known; of some that are gone they were given back. */
  readonly #sized = new Fifo<EventBlock>();
  #sizesBytes = 0;

  constructor(recordBytes: number, maxSizes: number) {
    this.#recordBytes = recordBytes;
    this.#maxSizesBytes = maxSizes * SIZE_BYTES;
  }

  /** Bytes of memory of all of it. */
  get bytes(): number {
    return this.#blocks.size * this.#recordBytes + this.#sizesBytes;
  }

  /** Those of them in which are sizes, which could be forgotten. */
  get sizesBytes(): number {
    return this.#sizesBytes;
  }

  /** A block is not in memory any more. */
  add(block: EventBlock): void {
    if (this.#blocks.has(block)) return;
    this.#blocks.add(block);
    this.#sized.push(block);
    this.#sizesBytes += block.sizesBytes;
    this.#forgetBeyond(this.#maxSizesBytes);
  }

  /** A block is not retained any more. */
  remove(block: EventBlock): void {
    if (!this.#blocks.delete(block)) return;
    this.#sizesBytes -= block.sizesBytes;
    for (let first = this.#sized.at(0); first !== undefined; first = this.#sized.at(0)) {
      if (this.#blocks.has(first)) return;
      this.#sized.shift();
    }
  }

  /** Forgets the sizes of the older half. */
  halve(): void {
    this.#forgetBeyond(this.#sizesBytes >> 1);
  }

  #forgetBeyond(bytes: number): void {
    while (this.#sizesBytes > bytes) {
      const block = this.#sized.shift();
      if (block === undefined) return;
      if (!this.#blocks.has(block)) continue;
      this.#sizesBytes -= block.sizesBytes;
      block.forgetSizes();
    }
  }
}
