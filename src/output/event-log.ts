import type { Clock } from '../clock.ts';
import { RunletError } from '../errors.ts';
import {
  DROPPED_INDEX_ENTRIES,
  MAX_EVENT_BYTES,
  MIN_EVENT_BYTES,
  MIN_EVENT_COUNT_BOUND,
  MIN_EVENTS_RETAINED,
  RETAINED_BYTES_PER_EVENT,
} from '../limits.ts';
import { DroppedIndex } from './dropped-index.ts';
import {
  type LifecycleEvent,
  OUTPUT_STREAMS,
  type OutputStream,
  type StreamOffsets,
  ZERO_OFFSETS,
} from './event.ts';
import { EventCursor, type EventSource, type LogRecord } from './event-cursor.ts';
import { encodeLifecycle, encodeOutput } from './event-encoding.ts';

/** What to do with output beyond the bound. */
export type Overflow = 'drop-oldest' | 'pause';

/** How a log is made. */
export interface EventLogOptions {
  readonly clock: Clock;
  /** Bytes of output to retain, at least 1. */
  readonly retainedBytes: number;
  readonly overflow: Overflow;
  /**
   * Called when output should no longer be read from the process (false), and
   * when it should again (true). Only with `overflow: 'pause'`.
   */
  readonly onFlow?: (flowing: boolean) => void;
  /** Dropped events to remember; see {@link DroppedIndex}. */
  readonly droppedIndexEntries?: number;
}

/**
 * The events of one process: numbered, encoded once, and retained within a
 * bound. Only output is ever dropped, oldest first; readers are told exactly
 * what they miss.
 *
 * Every method is synchronous, so there is no moment between a reader's look at
 * the log and its wait in which an event could slip by.
 */
export class EventLog {
  readonly #clock: Clock;
  readonly #retainedBytes: number;
  readonly #maxOutputs: number;
  readonly #eventBytes: number;
  readonly #onFlow: (flowing: boolean) => void;
  readonly #overflow: Overflow;
  #abandoned = false;

  /** The records from `#baseSeq` on without a hole; those before `#head` are dropped. */
  #records: (LogRecord | undefined)[] = [];
  #head = 0;
  #baseSeq = 1;
  /** Records before `#baseSeq` that are never dropped, in order; a handful at most. */
  readonly #kept: LogRecord[] = [];
  readonly #dropped: DroppedIndex;

  #totals: StreamOffsets = ZERO_OFFSETS;
  #outputBytes = 0;
  #outputCount = 0;
  #closed = false;
  #flowing = true;
  readonly #cursors = new Set<EventCursor>();
  #waiters = new Set<() => void>();

  constructor(options: EventLogOptions) {
    this.#clock = options.clock;
    this.#retainedBytes = options.retainedBytes;
    this.#maxOutputs = Math.max(
      MIN_EVENT_COUNT_BOUND,
      Math.floor(options.retainedBytes / RETAINED_BYTES_PER_EVENT),
    );
    this.#eventBytes = Math.min(
      MAX_EVENT_BYTES,
      Math.max(MIN_EVENT_BYTES, Math.floor(options.retainedBytes / MIN_EVENTS_RETAINED)),
    );
    this.#overflow = options.overflow;
    this.#onFlow = options.onFlow ?? (() => {});
    this.#dropped = new DroppedIndex(
      1,
      ZERO_OFFSETS,
      options.droppedIndexEntries ?? DROPPED_INDEX_ENTRIES,
    );
  }

  /** The number of the latest event; 0 before the first. */
  get lastSeq(): number {
    return this.#baseSeq + this.#records.length - this.#head - 1;
  }

  /** The last event was appended; none can follow. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether output should be read from the process; false only with `overflow: 'pause'`. */
  get flowing(): boolean {
    return this.#flowing;
  }

  /** How many bytes each stream had so far, dropped ones included. */
  get totals(): StreamOffsets {
    return this.#totals;
  }

  /** Bytes of output in memory. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** Appends an event that stays as long as the log. `closed` is the last. */
  append(event: LifecycleEvent): void {
    const seq = this.#nextSeq();
    const encoded = encodeLifecycle(seq, this.#clock.now(), event);
    this.#records.push({ seq, encoded, before: this.#totals });
    if (event.kind === 'closed') this.#closed = true;
    this.#wake();
  }

  /** Appends output, in events of bounded size. `data` must not change afterwards. */
  appendOutput(stream: OutputStream, data: Uint8Array): void {
    const time = this.#clock.now();
    for (let start = 0; start < data.byteLength; start += this.#eventBytes) {
      const piece = data.subarray(start, start + this.#eventBytes);
      const seq = this.#nextSeq();
      const before = this.#totals;
      const encoded = encodeOutput(seq, time, stream, before[stream], piece);
      const length = piece.byteLength;
      this.#records.push({ seq, encoded, before, output: { stream, length } });
      this.#totals = { ...before, [stream]: before[stream] + length };
      this.#outputBytes += length;
      this.#outputCount += 1;
      this.#trim();
    }
    if (data.byteLength > 0) this.#wake();
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

  /** Drops what the bound and the policy say, and sets the flow by what is left. */
  #trim(): void {
    while (this.#isOver() && this.#mayDropOldest()) this.#dropOldest();
    const flowing = !(this.#overflow === 'pause' && this.#isOver());
    if (flowing !== this.#flowing) {
      this.#flowing = flowing;
      this.#onFlow(flowing);
    }
  }

  /** What cursors need of the log. */
  readonly #source: EventSource = {
    clock: () => this.#clock,
    lastSeq: () => this.lastSeq,
    closed: () => this.#closed,
    record: (seq) => this.#record(seq),
    droppedRun: (seq) => this.#droppedRun(seq),
    addWaiter: (waiter) => this.#waiters.add(waiter),
    removeWaiter: (waiter) => this.#waiters.delete(waiter),
    advanced: () => this.#cursorMoved(),
  };

  /** A reader got on, or left: what it held up may go on. */
  #cursorMoved(): void {
    if (this.#overflow === 'pause') this.#trim();
  }

  #nextSeq(): number {
    if (this.#closed) throw new Error('an event was appended to a log that is closed');
    return this.lastSeq + 1;
  }

  #record(seq: number): LogRecord | undefined {
    return seq >= this.#baseSeq
      ? this.#records[this.#head + seq - this.#baseSeq]
      : this.#kept.find((record) => record.seq === seq);
  }

  /** The last event of the dropped ones that begin at `seq`, and where the streams stood after. */
  #droppedRun(seq: number): { lastSeq: number; after: StreamOffsets } {
    const next =
      this.#kept.find((record) => record.seq > seq) ?? this.#records[this.#head] ?? undefined;
    return next === undefined
      ? { lastSeq: this.lastSeq, after: this.#totals }
      : { lastSeq: next.seq - 1, after: next.before };
  }

  #offsetsBefore(seq: number): StreamOffsets {
    if (seq > this.lastSeq) return this.#totals;
    const record = this.#record(seq);
    if (record !== undefined) return record.before;
    if (seq >= this.#dropped.firstSeq) return this.#dropped.offsetsBefore(seq);
    // Forgotten: the latest position before it that is still known.
    return this.#kept.findLast((kept) => kept.seq < seq)?.before ?? ZERO_OFFSETS;
  }

  #isOver(): boolean {
    return this.#outputBytes > this.#retainedBytes || this.#outputCount > this.#maxOutputs;
  }

  #mayDropOldest(): boolean {
    if (this.#overflow === 'drop-oldest') return true;
    if (this.#cursors.size === 0) return this.#abandoned;
    for (const cursor of this.#cursors) if (cursor.nextSeq <= this.#baseSeq) return false;
    return true;
  }

  /** Drops the oldest record, or keeps it aside if it is of the kind that stays. */
  #dropOldest(): void {
    const record = this.#records[this.#head];
    if (record === undefined) return;
    this.#records[this.#head++] = undefined;
    this.#baseSeq += 1;
    if (record.output === undefined) {
      this.#kept.push(record);
      this.#dropped.add(OUTPUT_STREAMS[0] ?? 'stdout', 0);
    } else {
      this.#outputBytes -= record.output.length;
      this.#outputCount -= 1;
      this.#dropped.add(record.output.stream, record.output.length);
    }
    // Moving what is left pays off once half of the array is empty.
    if (this.#head >= 64 && this.#head * 2 >= this.#records.length) {
      this.#records = this.#records.slice(this.#head);
      this.#head = 0;
    }
  }

  #wake(): void {
    if (this.#waiters.size === 0) return;
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const waiter of waiters) waiter();
  }
}
