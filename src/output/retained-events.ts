import { DroppedIndex } from './dropped-index.ts';
import {
  type MutableOffsets,
  type OutputStream,
  type StreamOffsets,
  ZERO_OFFSETS,
} from './event.ts';
import { EventBlock, type LifecycleRecord } from './event-block.ts';
import type { Located } from './event-cursor.ts';
import { Fifo } from './fifo.ts';

/**
 * Sizes of a terminal that stay known when the output around them is dropped. It may be resized
 * without end, and what is kept of each takes memory.
 */
const MAX_SIZE_RECORDS = 64;

/** How the events of a log are held. */
export interface RetainedEventsOptions {
  /** Bytes of encoded events in one block. */
  readonly blockBytes: number;
  /** Dropped events to remember; see {@link DroppedIndex}. */
  readonly droppedIndexEntries: number;
  /** Told of a block that is not retained any more, or is lost. */
  readonly onForgotten: (block: EventBlock) => void;
}

/** What an event was appended to. */
export interface Appended {
  readonly block: EventBlock;
  /** It is the block's first. */
  readonly first: boolean;
  /** Bytes by which the block's memory grew. */
  readonly memory: number;
}

/**
 * The events of a log in blocks, and what has to be known of those that were dropped:
 * what may be appended, found, and dropped from the front, without a thought of why.
 */
export class RetainedEvents {
  /** Without a hole in the numbers; the last may be appended to. */
  readonly blocks = new Fifo<EventBlock>();
  readonly #blockBytes: number;
  readonly #onForgotten: (block: EventBlock) => void;
  #nextSeq = 1;
  readonly #totals: MutableOffsets = { ...ZERO_OFFSETS };
  /** Where the streams stood before the first event that is retained. */
  readonly #base: MutableOffsets = { ...ZERO_OFFSETS };
  /** Records of dropped blocks that are never dropped, in order; a handful at most. */
  readonly #kept: LifecycleRecord[] = [];
  /** The latest records of sizes. */
  readonly #sizes = new Fifo<LifecycleRecord>();
  /** What is known of dropped events. */
  readonly dropped: DroppedIndex;
  #outputBytes = 0;
  #outputCount = 0;

  constructor(options: RetainedEventsOptions) {
    this.#blockBytes = options.blockBytes;
    this.#onForgotten = options.onForgotten;
    this.dropped = new DroppedIndex(1, ZERO_OFFSETS, options.droppedIndexEntries);
  }

  /** The number of the event that is appended next. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** The number of the first event that is retained, but for those that are never dropped. */
  get baseSeq(): number {
    return this.blocks.at(0)?.headSeq ?? this.#nextSeq;
  }

  /** The number of the last event that goes with the oldest: see {@link dropOldest}. */
  get oldestEndSeq(): number {
    return this.blocks.at(0)?.oldestEndSeq ?? this.#nextSeq;
  }

  /** How many bytes each stream had so far. */
  get totals(): StreamOffsets {
    return { ...this.#totals };
  }

  /** Bytes of output that are retained. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** Events of output that are retained. */
  get outputCount(): number {
    return this.#outputCount;
  }

  /** Appends an event that is never dropped; `isSize`: unless it is of a size, and an old one. */
  appendLifecycle(bytes: Uint8Array, isSize: boolean): Appended {
    return this.#append(bytes.byteLength, (block) => {
      const record = block.appendLifecycle(bytes, isSize, this.#blockBytes);
      if (isSize) this.#addSize(record);
    });
  }

  /** Appends an event of output; a copy is made. */
  appendOutput(timeMs: number, stream: OutputStream, data: Uint8Array): Appended {
    const appended = this.#append(EventBlock.outputBytes(data), (block) =>
      block.appendOutput(timeMs, stream, data, this.#blockBytes),
    );
    this.#outputBytes += data.byteLength;
    this.#outputCount += 1;
    this.#totals[stream] += data.byteLength;
    return appended;
  }

  /** Where an event is that was appended. */
  locate(seq: number): Located {
    if (seq < this.baseSeq) {
      const kept = this.#kept.find((record) => record.seq >= seq);
      if (kept === undefined) return this.#gapTo(0);
      return kept.seq === seq ? { kind: 'record', record: kept } : gapBefore(kept);
    }
    const index = this.indexOf(seq);
    const block = this.blocks.at(index);
    if (block === undefined) throw new Error(`event ${seq} is beyond the log`);
    if (!block.lost) return { kind: 'block', block };
    const next = block.lifecycle.find((record) => record.seq >= seq);
    if (next === undefined) return this.#gapTo(index + 1);
    return next.seq === seq ? { kind: 'record', record: next } : gapBefore(next);
  }

  /** The index of the block with an event that is retained. */
  indexOf(seq: number): number {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.blocks.at(middle)?.firstSeq ?? 0) <= seq) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Whether a block is still there. */
  retains(block: EventBlock): boolean {
    return this.blocks.at(this.indexOf(block.lastSeq)) === block;
  }

  /** Where the streams stood before an event, as exactly as is still known, and never beyond. */
  offsetsBefore(seq: number): MutableOffsets {
    if (seq >= this.#nextSeq) return { ...this.#totals };
    if (seq >= this.baseSeq) {
      const block = this.blocks.at(this.indexOf(seq));
      const offsets = { ...(block?.before ?? this.#totals) };
      // Where that is not known it is the block's beginning: a gap may be told too large then.
      block?.advance(offsets, block.firstSeq, seq);
      return offsets;
    }
    const record = this.#kept.find((kept) => kept.seq === seq);
    if (record !== undefined) return { ...record.before };
    if (seq >= this.dropped.firstSeq) return { ...this.dropped.offsetsBefore(seq) };
    // Forgotten: the latest position before it that is still known.
    return { ...(this.#kept.findLast((kept) => kept.seq < seq)?.before ?? ZERO_OFFSETS) };
  }

  /** Drops the oldest event; of a block whose sizes were forgotten, all. */
  dropOldest(): void {
    const block = this.blocks.at(0);
    if (block === undefined) return;
    const seq = block.headSeq;
    const dropped = this.#counting(block, () => block.dropOldest());
    for (const record of block.lifecycle) {
      if (record.seq < seq || record.seq >= block.headSeq) continue;
      // Of sizes the latest is enough: no output is left of the one before.
      if (record.isSize) this.#forgetSize();
      this.#kept.push(record);
    }
    if (dropped === 'all') {
      this.dropped.skipTo(block.headSeq, block.after);
      Object.assign(this.#base, block.after);
    } else {
      this.dropped.add(dropped.stream, dropped.length);
      this.#base[dropped.stream] += dropped.length;
    }
    if (block.dropped === block.count) this.removeOldest();
  }

  /** Drops all up to an event; more where only whole blocks are known. */
  dropThrough(seq: number): void {
    while (this.blocks.length > 0 && this.baseSeq <= seq) this.dropOldest();
  }

  /** Drops the oldest blocks for which a condition holds, but never the last: it is appended to. */
  dropBlocksWhile(condition: (block: EventBlock) => boolean): void {
    while (this.blocks.length > 1) {
      const block = this.blocks.at(0);
      if (block === undefined || !condition(block)) return;
      while (this.blocks.at(0) === block) this.dropOldest();
    }
  }

  /** Removes the oldest block, as if it had never been. */
  removeOldest(): void {
    const block = this.blocks.shift();
    if (block === undefined) return;
    block.sealed = true;
    this.#onForgotten(block);
  }

  /** A block can be read nowhere any more: its output is a gap from now on. */
  lose(block: EventBlock): void {
    if (block.lost || !this.retains(block)) return;
    this.#counting(block, () => block.lose());
    this.#onForgotten(block);
    while (this.blocks.at(0)?.lost) this.dropOldest();
  }

  /** Of too many sizes the oldest is one of the events that are dropped with their block. */
  #addSize(record: LifecycleRecord): void {
    this.#sizes.push(record);
    if (this.#sizes.length <= MAX_SIZE_RECORDS) return;
    const oldest = this.#sizes.shift();
    if (oldest === undefined || oldest.seq < this.baseSeq) return;
    const { lifecycle = [] } = this.blocks.at(this.indexOf(oldest.seq)) ?? {};
    const at = lifecycle.indexOf(oldest);
    if (at !== -1) lifecycle.splice(at, 1);
  }

  #forgetSize(): void {
    const at = this.#kept.findIndex(({ isSize }) => isSize);
    if (at !== -1) this.#kept.splice(at, 1);
  }

  #append(bytes: number, append: (block: EventBlock) => void): Appended {
    const block = this.#tail(bytes);
    const first = block.count === 0;
    const before = first ? 0 : block.memory;
    append(block);
    this.#nextSeq += 1;
    return { block, first, memory: block.memory - before };
  }

  /** The block that the next event goes to, which takes so many bytes. */
  #tail(bytes: number): EventBlock {
    const last = this.blocks.at(this.blocks.length - 1);
    if (last !== undefined && !last.sealed) {
      if (last.bytes + bytes <= this.#blockBytes) return last;
      last.sealed = true;
    }
    // Where one was filled, the next one will be; the first of a process most often is not.
    const filled = last !== undefined && last.bytes > this.#blockBytes / 2;
    const capacity = filled ? this.#blockBytes : bytes;
    const block = new EventBlock(this.#nextSeq, this.totals, capacity);
    this.blocks.push(block);
    return block;
  }

  /** A gap that reaches to the first event from a block on that can be read. */
  #gapTo(index: number): Located {
    for (let i = index; ; i++) {
      const block = this.blocks.at(i);
      if (block === undefined) {
        return { kind: 'gap', lastSeq: this.#nextSeq - 1, after: this.#totals };
      }
      const before = i === 0 ? this.#base : block.before;
      if (!block.lost) return { kind: 'gap', lastSeq: block.headSeq - 1, after: before };
      const next = block.lifecycle.find((record) => record.seq >= block.headSeq);
      if (next !== undefined) return gapBefore(next);
    }
  }

  /** Changes a block, and counts what it holds then. */
  #counting<T>(block: EventBlock, change: () => T): T {
    this.#outputBytes -= block.outputBytes;
    this.#outputCount -= block.outputCount;
    const result = change();
    this.#outputBytes += block.outputBytes;
    this.#outputCount += block.outputCount;
    return result;
  }
}

function gapBefore(record: LifecycleRecord): Located {
  return { kind: 'gap', lastSeq: record.seq - 1, after: record.before };
}
