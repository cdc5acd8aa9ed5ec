import {
  INDEX_PART,
  KEPT_PART,
  KEPT_PART_OF_SMALL,
  LAG_FACTOR,
  MIN_INDEX_BYTES,
  SMALL_BYTES,
  SMALL_PART,
} from './sizes.ts';
import type { Standing } from './store-ledger.ts';

/** How much of memory and of disk there may be. */
export interface Share {
  /** Bytes of memory. */
  readonly memoryBytes: number;
  /** Bytes of files. */
  readonly diskBytes: number;
}

/** What several logs hold together, and what they may: those of one owner, or all. */
export class Holdings {
  /** What they may hold; may be changed. */
  share: Share;
  memory = 0;
  writing = 0;
  stalled = 0;
  disk = 0;
  index = 0;
  keptMemory = 0;
  keptDisk = 0;

  constructor(share: Share) {
    this.share = share;
  }

  /** Adds what a log holds, or takes it off. */
  count(standing: Standing, sign: 1 | -1): void {
    const { disk, index, keeps, memory, stalled, writing } = standing;
    this.memory += sign * memory;
    this.writing += sign * writing;
    this.stalled += sign * stalled;
    this.disk += sign * disk;
    this.index += sign * index;
    if (!keeps) return;
    this.keptMemory += sign * (memory - writing);
    this.keptDisk += sign * disk;
  }

  /** The part of memory that is used but for what is being written: above 1 it is too much. */
  get memoryPart(): number {
    return partOf(this.memory + this.index - this.writing, this.share.memoryBytes);
  }

  /** The part of memory that is used by what must not be dropped. */
  get keptMemoryPart(): number {
    return partOf(this.keptMemory, this.share.memoryBytes);
  }

  /** The part of disk that is used: above 1 it is too much. */
  get diskPart(): number {
    return partOf(this.disk, this.share.diskBytes);
  }

  /** The part of disk that is used by what must not be dropped. */
  get keptDiskPart(): number {
    return partOf(this.keptDisk, this.share.diskBytes);
  }

  /** The part that is used of what the index may take: above 1 it is too much. */
  get indexPart(): number {
    return partOf(this.index, Math.max(MIN_INDEX_BYTES, INDEX_PART * this.share.memoryBytes));
  }

  get keptMemoryIsOver(): boolean {
    return this.keptMemoryPart > KEPT_PART;
  }

  get keptDiskIsFull(): boolean {
    return this.keptDiskPart > KEPT_PART;
  }

  /** Files are being written, and output comes faster: all are to wait. */
  get isLagging(): boolean {
    // What a disk that does not answer holds comes back nobody knows when.
    const memory = this.memory + this.index - this.stalled;
    return this.writing > 0 && memory > LAG_FACTOR * this.share.memoryBytes;
  }

  /**
   * How many of those whose output must not be dropped are to wait: 0: none; 1: some; 2: all.
   * `isOver`: more is in memory than may be, by what is counted beside this.
   */
  fullness(isOver = false): 0 | 1 | 2 {
    if (isOver || this.memoryPart > 1 || this.keptMemoryPart > KEPT_PART_OF_SMALL) return 2;
    return this.keptMemoryIsOver ? 1 : 0;
  }

  /** Bytes of memory that are little beside all that there may be. */
  get littleMemory(): number {
    return Math.min(SMALL_BYTES, SMALL_PART * this.share.memoryBytes);
  }
}

function partOf(used: number, all: number): number {
  return used <= 0 ? 0 : used / all;
}
