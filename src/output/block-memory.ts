import { BLOCK_BYTES, SPARE_BLOCKS } from './sizes.ts';

/** Memory of blocks that are gone, all of {@link BLOCK_BYTES}. */
const spare: Buffer[] = [];

/**
 * The memory of a block. What blocks of the usual size give back is used again: memory
 * outside of the heap that is left to the garbage collector makes it run far more often
 * than the heap itself would. So nobody may look at it any more once it was given back;
 * who reads it later than at once holds it.
 */
export class BlockMemory {
  readonly buffer: Buffer;
  #holds = 0;
  #freed = false;

  constructor(bytes: number) {
    const used = bytes === BLOCK_BYTES ? spare.pop() : undefined;
    this.buffer = used ?? Buffer.allocUnsafeSlow(bytes);
  }

  /** Keeps it as it is until {@link release}. */
  hold(): this {
    this.#holds += 1;
    return this;
  }

  /** Takes back one {@link hold}. */
  release(): void {
    this.#holds -= 1;
    this.#giveBack();
  }

  /** Its block needs it no more. */
  free(): void {
    this.#freed = true;
    this.#giveBack();
  }

  #giveBack(): void {
    if (!this.#freed || this.#holds > 0) return;
    if (this.buffer.byteLength === BLOCK_BYTES && spare.length < SPARE_BLOCKS) {
      spare.push(this.buffer);
    }
  }
}
