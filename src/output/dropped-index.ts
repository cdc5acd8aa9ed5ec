import { OUTPUT_STREAMS, type OutputStream, type StreamOffsets } from './event.ts';

/** Lengths of events are kept in the bits above the stream's. */
const STREAM_BITS = 2;

/** Entries that there is room for at least. */
const MIN_LENGTH = 16;

/**
 * Remembers how many bytes each dropped event had, four bytes of memory for
 * each, so that a reader that resumes in the midst of what was dropped is told
 * exactly what it misses and not what it had before.
 *
 * Memory is bounded: beyond `maxEntries` the older half is forgotten, and a
 * reader that resumes there is told of all that was dropped since the last
 * position that is known: never too little.
 */
export class DroppedIndex {
  readonly #maxEntries: number;
  #entries = new Uint32Array(0);
  #count = 0;
  /** The seq of the event that the first entry stands for. */
  #firstSeq: number;
  /** Where the streams stood before that event. */
  #firstOffsets: StreamOffsets;

  /** Starts with nothing dropped, `firstSeq` being the first event that can be. */
  constructor(firstSeq: number, firstOffsets: StreamOffsets, maxEntries: number) {
    this.#firstSeq = firstSeq;
    this.#firstOffsets = firstOffsets;
    this.#maxEntries = maxEntries;
  }

  /** The first event that is remembered, or that will be. */
  get firstSeq(): number {
    return this.#firstSeq;
  }

  /** Bytes of memory that it has. */
  get bytes(): number {
    return this.#entries.byteLength;
  }

  /** Those of them that it could do without. */
  get forgettable(): number {
    return Math.max(0, this.bytes - 4 * MIN_LENGTH);
  }

  /** Forgets the older half, and gives back its memory. */
  halve(): void {
    this.#forget((this.#count + 1) >>> 1);
    this.#shrink();
  }

  /** Adds the next event; `length` is 0 for one that is not output. */
  add(stream: OutputStream, length: number): void {
    if (this.#count === this.#maxEntries) this.#forget((this.#count + 1) >>> 1);
    if (this.#count === this.#entries.length) {
      const length = Math.max(MIN_LENGTH, this.#count * 2);
      const larger = new Uint32Array(Math.min(length, this.#maxEntries));
      larger.set(this.#entries);
      this.#entries = larger;
    }
    this.#entries[this.#count++] = (length << STREAM_BITS) | OUTPUT_STREAMS.indexOf(stream);
  }

  /** All up to the event `seq` was dropped, of which only that is known where the streams stand. */
  skipTo(seq: number, offsets: StreamOffsets): void {
    this.#count = 0;
    this.#firstSeq = seq;
    this.#firstOffsets = { ...offsets };
    this.#shrink();
  }

  /** Where the streams stood before the event `seq`, which must be remembered or the next. */
  offsetsBefore(seq: number): StreamOffsets {
    return this.#sum(seq - this.#firstSeq);
  }

  #forget(count: number): void {
    this.#firstOffsets = this.#sum(count);
    this.#firstSeq += count;
    this.#entries.copyWithin(0, count, this.#count);
    this.#count -= count;
  }

  #shrink(): void {
    const length = Math.max(MIN_LENGTH, this.#count);
    if (length < this.#entries.length) this.#entries = this.#entries.slice(0, length);
  }

  #sum(count: number): StreamOffsets {
    const sums = { ...this.#firstOffsets };
    for (let i = 0; i < count; i++) {
      const entry = this.#entries[i] ?? 0;
      const stream = OUTPUT_STREAMS[entry & ((1 << STREAM_BITS) - 1)];
      if (stream !== undefined) sums[stream] += entry >>> STREAM_BITS;
    }
    return sums;
  }
}
