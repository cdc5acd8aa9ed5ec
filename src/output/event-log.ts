import type { Clock } from '../clock.ts';
import { RunletError } from '../errors.ts';
import {
  BLOCK_BYTES,
  DROPPED_INDEX_ENTRIES,
  MAX_EVENT_BYTES,
  MIN_BLOCK_BYTES,
  MIN_EVENT_BYTES,
  MIN_EVENT_COUNT_BOUND,
  MIN_EVENTS_RETAINED,
  RETAINED_BYTES_PER_EVENT,
} from '../limits.ts';
import { BlockFiles } from './block-files.ts';
import { DroppedIndex } from './dropped-index.ts';
import {
  type LifecycleEvent,
  type MutableOffsets,
  type OutputStream,
  type StreamOffsets,
  ZERO_OFFSETS,
} from './event.ts';
import { EventBlock, type LifecycleRecord } from './event-block.ts';
import { EventCursor, type EventSource, type Located } from './event-cursor.ts';
import { encodeLifecycle } from './event-encoding.ts';
import { Fifo } from './fifo.ts';
import type { OutputStore, StoredLog } from './output-store.ts';

/** What to do with output beyond the bound. */
export type Overflow = 'drop-oldest' | 'pause';

/** How a log is made. */
export interface EventLogOptions {
  /** Where its process is named, for people who look at files. */
  readonly processId: string;
  /** What it shares with all others of the server. */
  readonly store: OutputStore;
  /** Bytes of output to retain, at least 1. */
  readonly retainedBytes: number;
  readonly overflow: Overflow;
  /**
   * Called when output should no longer be read from the process (false), and
   * when it should again (true).
   */
  readonly onFlow?: (flowing: boolean) => void;
  /** Dropped events to remember; see {@link DroppedIndex}. */
  readonly droppedIndexEntries?: number;
}

/**
 * The events of one process: numbered, encoded once, and retained within a bound,
 * the newest in memory, older ones in files. Only output is ever dropped, oldest
 * first; readers are told exactly what they miss.
 *
 * Every method is synchronous, so there is no moment between a reader's look at
 * the log and its wait in which an event could slip by.
 */
export class EventLog implements StoredLog {
  readonly #store: OutputStore;
  readonly #clock: Clock;
  readonly #retainedBytes: number;
  readonly #maxOutputs: number;
  readonly #eventBytes: number;
  readonly #blockBytes: number;
  readonly #onFlow: (flowing: boolean) => void;
  readonly #overflow: Overflow;
  readonly #files: BlockFiles;
  #abandoned = false;
  #disposed = false;

  /** All that is retained, without a hole in the numbers; the last may be appended to. */
  readonly #blocks = new Fifo<EventBlock>();
  #nextSeq = 1;
  /** Where the streams stood before the first that is retained. */
  readonly #base: MutableOffsets = { ...ZERO_OFFSETS };
  /** Records of dropped blocks that are never dropped, in order; a handful at most. */
  readonly #kept: LifecycleRecord[] = [];
  readonly #dropped: DroppedIndex;

  readonly #totals: MutableOffsets = { ...ZERO_OFFSETS };
  #outputBytes = 0;
  #outputCount = 0;
  #closed = false;
  #flowing = true;
  readonly #cursors = new Set<EventCursor>();
  #waiters = new Set<() => void>();

  constructor(options: EventLogOptions) {
    const { retainedBytes, store } = options;
    this.#store = store;
    this.#clock = store.clock;
    this.#retainedBytes = retainedBytes;
    this.#maxOutputs = Math.max(
      MIN_EVENT_COUNT_BOUND,
      Math.floor(retainedBytes / RETAINED_BYTES_PER_EVENT),
    );
    const share = Math.floor(retainedBytes / MIN_EVENTS_RETAINED);
    this.#eventBytes = Math.min(MAX_EVENT_BYTES, Math.max(MIN_EVENT_BYTES, share));
    this.#blockBytes = Math.min(BLOCK_BYTES, Math.max(MIN_BLOCK_BYTES, share));
    this.#overflow = options.overflow;
    this.#onFlow = options.onFlow ?? (() => {});
    this.#dropped = new DroppedIndex(
      1,
      ZERO_OFFSETS,
      options.droppedIndexEntries ?? DROPPED_INDEX_ENTRIES,
    );
    this.#files = new BlockFiles(this, store, options.processId, {
      blocks: this.#blocks,
      indexOf: (seq) => this.#indexOf(seq),
      retains: (block) => this.#retains(block),
      changed: () => this.#setFlow(),
      lose: (block) => this.#lose(block),
    });
  }

  /** The number of the latest event; 0 before the first. */
  get lastSeq(): number {
    return this.#nextSeq - 1;
  }

  /** The last event was appended; none can follow. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether output should be read from the process. */
  get flowing(): boolean {
    return this.#flowing;
  }

  /** How many bytes each stream had so far, dropped ones included. */
  get totals(): StreamOffsets {
    return { ...this.#totals };
  }

  /** Bytes of output that are retained. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** Appends an event that stays as long as the log. `closed` is the last. */
  append(event: LifecycleEvent): void {
    if (this.#disposed) return;
    this.#assertOpen();
    const bytes = encodeLifecycle(this.#nextSeq, this.#clock.now(), event);
    const block = this.#tail(bytes.byteLength);
    this.#grow(block, () => block.appendLifecycle(bytes, this.#blockBytes));
    this.#trim();
    if (event.kind === 'closed') {
      this.#closed = true;
      this.#store.closed(this);
    }
    this.#wake();
  }

  /** Appends output, in events of bounded size. A copy is made. */
  appendOutput(stream: OutputStream, data: Uint8Array): void {
    if (data.byteLength === 0 || this.#disposed) return;
    this.#assertOpen();
    const time = this.#clock.now();
    for (let start = 0; start < data.byteLength; start += this.#eventBytes) {
      const piece =
        data.byteLength <= this.#eventBytes ? data : data.subarray(start, start + this.#eventBytes);
      const block = this.#tail(EventBlock.outputBytes(piece));
      this.#outputBytes += piece.byteLength;
      this.#outputCount += 1;
      this.#totals[stream] += piece.byteLength;
      this.#grow(block, () => block.appendOutput(time, stream, piece, this.#blockBytes));
      this.#trim();
    }
    this.#wake();
  }

  /**
   * Opens a cursor that reads what follows `afterSeq`. `onClose` is called once,
   * when the cursor is closed.
   *
   * @throws RunletError `SEQ_BEYOND_END`
   */
  openCursor(afterSeq: number, onClose: () => void = () => {}): EventCursor {
    if (afterSeq > this.lastSeq) {
      throw new RunletError('SEQ_BEYOND_END', { metadata: { last_seq: String(this.lastSeq) } });
    }
    const cursor = new EventCursor(
      this.#source,
      afterSeq + 1,
      this.#offsetsBefore(afterSeq + 1),
      () => {
        this.#cursors.delete(cursor);
        this.#cursorMoved();
        onClose();
      },
    );
    this.#cursors.add(cursor);
    return cursor;
  }

  /**
   * No further reader will come: once those under way are gone, output is
   * dropped rather than the process held up, so that its streams come to their
   * end.
   */
  abandon(): void {
    this.#abandoned = true;
    this.#trim();
  }

  /** Nobody will read any more: gives back all memory and files. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    while (this.#blocks.length > 0) this.#removeHead();
    this.#files.close();
    this.#store.remove(this);
  }

  oldestInMemory(): EventBlock | undefined {
    return this.#files.oldestInMemory();
  }

  oldestInFile(): EventBlock | undefined {
    const block = this.#blocks.at(0);
    return block?.place === undefined ? undefined : block;
  }

  holdsInMemory(block: EventBlock): boolean {
    return block.memory > 0 && !block.writing && this.#retains(block);
  }

  holdsInFile(block: EventBlock): boolean {
    return block.place !== undefined && this.#retains(block);
  }

  spill(block: EventBlock): boolean {
    if (!this.#files.canWrite) return false;
    block.sealed = true;
    this.#files.write(block);
    return true;
  }

  lose(block: EventBlock): boolean {
    if (this.#isNeeded(block)) return false;
    this.#lose(block);
    return true;
  }

  dropThrough(block: EventBlock): boolean {
    if (this.#isNeeded(block)) return false;
    while (this.#retains(block)) this.#dropOldest();
    return true;
  }

  pressureChanged(): void {
    this.#setFlow();
  }

  /** Whether a reader has a right to a block: only where it would pause the process for it. */
  #isNeeded(block: EventBlock): boolean {
    if (this.#overflow === 'drop-oldest' || this.#closed) return false;
    if (this.#cursors.size === 0) return !this.#abandoned;
    for (const cursor of this.#cursors) if (cursor.nextSeq <= block.lastSeq) return true;
    return false;
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error('an event was appended to a log that is closed');
  }

  /** The block that the next event goes to, which takes so many bytes. */
  #tail(bytes: number): EventBlock {
    const last = this.#blocks.at(this.#blocks.length - 1);
    if (last !== undefined && !last.sealed) {
      if (last.bytes + bytes <= this.#blockBytes) return last;
      last.sealed = true;
    }
    // Where one was filled, the next one will be; the first of a process most often is not.
    const full = last !== undefined && last.bytes > this.#blockBytes / 2;
    const block = new EventBlock(
      this.#nextSeq,
      { ...this.#totals },
      full ? this.#blockBytes : bytes,
    );
    this.#blocks.push(block);
    return block;
  }

  /** Appends to a block, and accounts for it. */
  #grow(block: EventBlock, append: () => void): void {
    const fresh = block.count === 0;
    const before = fresh ? 0 : block.memory;
    append();
    this.#nextSeq += 1;
    if (fresh) this.#files.began(block);
    this.#files.memoryChanged(block.memory - before);
    this.#files.spillOver();
  }

  /** Drops what the bound and the policy say, and sets the flow by what is left. */
  #trim(): void {
    while (this.#isOver() && this.#mayDropOldest()) this.#dropOldest();
    this.#setFlow();
  }

  #setFlow(): void {
    const held = this.#overflow === 'pause' && this.#isOver();
    const pressure = this.#disposed ? 'none' : this.#store.pressureFor(this);
    const pressed = pressure === 'lagging' || (pressure === 'full' && this.#overflow === 'pause');
    const flowing = !held && !pressed && !this.#files.lagging;
    if (flowing === this.#flowing) return;
    this.#flowing = flowing;
    this.#onFlow(flowing);
  }

  /** What cursors need of the log. */
  readonly #source: EventSource = {
    clock: () => this.#clock,
    lastSeq: () => this.lastSeq,
    closed: () => this.#closed,
    locate: (seq) => this.#locate(seq),
    load: (block) => this.#files.load(block),
    addWaiter: (waiter) => this.#waiters.add(waiter),
    removeWaiter: (waiter) => this.#waiters.delete(waiter),
    advanced: () => this.#cursorMoved(),
  };

  /** A reader got on, or left: what it held up may go on. */
  #cursorMoved(): void {
    if (this.#overflow === 'pause') this.#trim();
  }

  /** The number of the first event that is retained. */
  get #baseSeq(): number {
    return this.#blocks.at(0)?.headSeq ?? this.#nextSeq;
  }

  /** Where an event is that was appended. */
  #locate(seq: number): Located {
    if (seq < this.#baseSeq) {
      const kept = this.#kept.find((record) => record.seq >= seq);
      if (kept === undefined) return this.#gapTo(0);
      return kept.seq === seq ? { kind: 'record', record: kept } : gapBefore(kept);
    }
    const index = this.#indexOf(seq);
    const block = this.#blocks.at(index);
    if (block === undefined) throw new Error(`event ${seq} is beyond the log`);
    if (!block.lost) return { kind: 'block', block };
    const next = block.lifecycle.find((record) => record.seq >= seq);
    if (next === undefined) return this.#gapTo(index + 1);
    return next.seq === seq ? { kind: 'record', record: next } : gapBefore(next);
  }

  /** A gap that reaches to the first event from a block on that can be read. */
  #gapTo(index: number): Located {
    for (let i = index; ; i++) {
      const block = this.#blocks.at(i);
      if (block === undefined) return { kind: 'gap', lastSeq: this.lastSeq, after: this.#totals };
      const before = i === 0 ? this.#base : block.before;
      if (!block.lost) return { kind: 'gap', lastSeq: block.headSeq - 1, after: before };
      const next = block.lifecycle.find((record) => record.seq >= block.headSeq);
      if (next !== undefined) return gapBefore(next);
    }
  }

  /** The index of the block with an event that is retained. */
  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#blocks.at(middle)?.firstSeq ?? 0) <= seq) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #retains(block: EventBlock): boolean {
    return this.#blocks.at(this.#indexOf(block.lastSeq)) === block;
  }

  #offsetsBefore(seq: number): MutableOffsets {
    if (seq > this.lastSeq) return { ...this.#totals };
    if (seq >= this.#baseSeq) {
      const block = this.#blocks.at(this.#indexOf(seq));
      const offsets = { ...(block?.before ?? this.#totals) };
      // Where that is not known it is the block's beginning: a gap may be told too large then.
      block?.advance(offsets, block.firstSeq, seq);
      return offsets;
    }
    const record = this.#kept.find((kept) => kept.seq === seq);
    if (record !== undefined) return { ...record.before };
    if (seq >= this.#dropped.firstSeq) return { ...this.#dropped.offsetsBefore(seq) };
    // Forgotten: the latest position before it that is still known.
    return { ...(this.#kept.findLast((kept) => kept.seq < seq)?.before ?? ZERO_OFFSETS) };
  }

  #isOver(): boolean {
    return this.#outputBytes > this.#retainedBytes || this.#outputCount > this.#maxOutputs;
  }

  #mayDropOldest(): boolean {
    if (this.#overflow === 'drop-oldest') return true;
    if (this.#cursors.size === 0) return this.#abandoned;
    const baseSeq = this.#baseSeq;
    for (const cursor of this.#cursors) if (cursor.nextSeq <= baseSeq) return false;
    return true;
  }

  /** Drops the oldest event; of a block in a file, whose sizes were forgotten, all. */
  #dropOldest(): void {
    const block = this.#blocks.at(0);
    if (block === undefined) return;
    const seq = block.headSeq;
    this.#outputBytes -= block.outputBytes;
    this.#outputCount -= block.outputCount;
    const dropped = block.dropOldest();
    this.#outputBytes += block.outputBytes;
    this.#outputCount += block.outputCount;
    for (const record of block.lifecycle) {
      if (record.seq >= seq && record.seq < block.headSeq) this.#kept.push(record);
    }
    if (dropped === 'all') {
      this.#dropped.skipTo(block.headSeq, block.after);
      Object.assign(this.#base, block.after);
    } else {
      this.#dropped.add(dropped.stream, dropped.length);
      this.#base[dropped.stream] += dropped.length;
    }
    if (block.dropped === block.count) this.#removeHead();
  }

  #removeHead(): void {
    const block = this.#blocks.shift();
    if (block === undefined) return;
    block.sealed = true;
    this.#files.forget(block);
  }

  /** A block can be read nowhere any more: its output is a gap from now on. */
  #lose(block: EventBlock): void {
    if (block.lost || !this.#retains(block)) return;
    this.#outputBytes -= block.outputBytes;
    this.#outputCount -= block.outputCount;
    block.lose();
    this.#files.forget(block);
    while (this.#blocks.at(0)?.lost) this.#dropOldest();
    this.#setFlow();
  }

  #wake(): void {
    if (this.#waiters.size === 0) return;
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const waiter of waiters) waiter();
  }
}

function gapBefore(record: LifecycleRecord): Located {
  return { kind: 'gap', lastSeq: record.seq - 1, after: record.before };
}
