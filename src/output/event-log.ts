import { AbsentReaders } from './absent-readers.ts';
import { BlockFiles } from './block-files.ts';
import type { LifecycleEvent, OutputStream, StreamOffsets } from './event.ts';
import { assertWithin, EventCursor, type EventSource } from './event-cursor.ts';
import { encodeLifecycle } from './event-encoding.ts';
import type { EventLogOptions, LogFigures, ReaderOptions } from './event-log-options.ts';
import { exceeds, type LogSizes, logSizes } from './log-sizes.ts';
import type { OutputStore, StoredLog } from './output-store.ts';
import { Readers } from './readers.ts';
import { type Appended, RetainedEvents } from './retained-events.ts';
import { DROPPED_INDEX_ENTRIES, UNACKNOWLEDGED_BYTES } from './sizes.ts';
import type { Relief, Standing } from './store-ledger.ts';
import { Waiters } from './waiters.ts';

/**
 * The events of one process: numbered, encoded once, and retained within a bound,
 * the newest in memory, older ones in files. Only output is ever dropped, oldest
 * first; readers are told exactly what they miss.
 *
 * Every method is synchronous, so there is no moment between a reader's look at
 * the log and its wait in which an event could slip by.
 */
export class EventLog implements StoredLog {
  readonly owner: string;
  readonly #store: OutputStore;
  readonly #sizes: LogSizes;
  readonly #onFlow: (flowing: boolean) => void;
  readonly #overflow: EventLogOptions['overflow'];
  readonly #readOnce: boolean;
  readonly #slackBytes: number;
  readonly #events: RetainedEvents;
  readonly #files: BlockFiles;
  readonly #readers: Readers;
  readonly #waiters = new Waiters();
  #closed = false;
  #flowing = true;
  /** An append changes nothing of what somebody has a right to, by what the store was told last. */
  #appendIsSilent = false;
  /** Bytes of output so far. */
  #written = 0;
  #disposed = false;

  constructor(options: EventLogOptions) {
    const { retainedBytes, store } = options;
    this.owner = options.owner ?? '';
    this.#store = store;
    this.#sizes = logSizes(retainedBytes, store.sizes.blockBytes);
    this.#overflow = options.overflow;
    this.#readOnce = options.readOnce ?? false;
    // What was sent once cannot be sent again.
    this.#slackBytes = this.#readOnce ? 0 : (options.slackBytes ?? UNACKNOWLEDGED_BYTES);
    this.#onFlow = options.onFlow ?? (() => {});
    const absent = new AbsentReaders(store.clock, () => this.#needsLess());
    this.#readers = new Readers(options.overflow === 'pause' ? absent : undefined);
    this.#events = new RetainedEvents({
      blockBytes: this.#sizes.blockBytes,
      droppedIndexEntries: options.droppedIndexEntries ?? DROPPED_INDEX_ENTRIES,
      onForgotten: (block) => this.#files.forget(block),
    });
    this.#files = new BlockFiles(this, store, options.name, {
      events: this.#events,
      changed: () => {
        this.#files.spillOver();
        this.#changed();
        this.#setFlow();
      },
      lose: (block) => {
        this.#events.lose(block);
        this.#changed();
        this.#setFlow();
      },
    });
  }

  /** The number of the latest event; 0 before the first. */
  get lastSeq(): number {
    return this.#events.nextSeq - 1;
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
    return this.#events.totals;
  }

  /** Bytes of output that are retained. */
  get outputBytes(): number {
    return this.#events.outputBytes;
  }

  /** What it holds, and how far its readers are behind. */
  get figures(): LogFigures {
    const { disk, memory } = this.#files;
    return { memory, disk, ...this.#readers.figures(this.#written, this.lastSeq) };
  }

  /** Appends an event that stays as long as the log. `closed` is the last. */
  append(event: LifecycleEvent): void {
    if (this.#disposed) return;
    this.#assertOpen();
    const bytes = encodeLifecycle(this.#events.nextSeq, this.#store.clock.now(), event);
    this.#account(this.#events.appendLifecycle(bytes, event.kind === 'resized'));
    if (event.kind === 'closed') {
      this.#closed = true;
      this.#changed();
    }
    this.#trim();
    this.#waiters.wake();
  }

  /** Appends output, in events of bounded size. A copy is made. */
  appendOutput(stream: OutputStream, data: Uint8Array): void {
    if (data.byteLength === 0 || this.#disposed) return;
    this.#assertOpen();
    this.#store.meter.output(stream, data.byteLength);
    const time = this.#store.clock.now();
    const { eventBytes } = this.#sizes;
    for (let start = 0; start < data.byteLength; start += eventBytes) {
      const piece = data.subarray(start, start + eventBytes);
      this.#written += piece.byteLength;
      this.#account(this.#events.appendOutput(time, stream, piece));
      this.#trim();
    }
    this.#waiters.wake();
  }

  /** Opens a cursor on what follows `afterSeq`; calls `onClose` once. Throws `SEQ_BEYOND_END`. */
  openCursor(
    afterSeq: number,
    onClose: () => void = () => {},
    reader: ReaderOptions = {},
  ): EventCursor {
    assertWithin(afterSeq, this.lastSeq);
    const cursor = new EventCursor(this.#source, {
      afterSeq,
      offsets: this.#events.offsetsBefore(afterSeq + 1),
      slackBytes: this.#slackBytes,
      reader,
      onClose: () => {
        this.#readers.remove(cursor);
        this.#needsLess();
        onClose();
      },
    });
    this.#readers.add(cursor);
    // One that begins at the end needs nothing of what the process waits with.
    this.#needsLess();
    return cursor;
  }

  /** An event has arrived at a reader; `done`: which leaves for good. Throws `SEQ_BEYOND_END`. */
  acknowledge(readerId: string, seq: number, done = false): void {
    assertWithin(seq, this.lastSeq);
    this.#readers.acknowledge(readerId, seq, done);
    this.#needsLess();
  }

  /**
   * No further reader will come: once those under way are gone, output is
   * dropped rather than the process held up, so that its streams come to their
   * end.
   */
  abandon(): void {
    this.#readers.abandon();
    this.#needsLess();
  }

  /** Nobody will read any more: gives back all memory and files. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#readers.abandon();
    while (this.#events.blocks.length > 0) this.#events.removeOldest();
    this.#files.close();
    this.#changed();
  }

  standing(): Standing {
    const files = this.#files;
    const keeps = this.#isNeeded(this);
    this.#appendIsSilent = keeps || this.#overflow !== 'pause';
    return {
      memory: files.memory,
      writing: files.writing,
      stalled: files.stalled,
      disk: files.disk,
      index: files.known.bytes + this.#events.dropped.bytes,
      forgettable: files.known.sizesBytes + this.#events.dropped.forgettable,
      oldestBlock: this.#needOf(files.oldestInMemory()),
      oldestFile: this.#needOf(files.oldestFile()),
      keeps,
      over: this.#closed && !this.#readers.areSentMore(this.lastSeq),
      restsUntil: files.restsUntil,
    };
  }

  relieve(action: Relief<unknown>['action']): void {
    this.#files.relieve(action);
  }

  pressureChanged(): void {
    this.#setFlow();
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error('the log is closed');
  }

  #account({ first, memory }: Appended): void {
    this.#files.grew(memory, first);
    this.#files.spillOver();
  }

  /** It holds more or less, or has other readers. */
  #changed(): void {
    // What is being written has its memory until that comes to an end.
    if (this.#disposed && this.#files.writing === 0) this.#store.remove(this);
    else this.#store.changed(this);
  }

  /** Whether a reader has a right to what ends with an event: only where it would pause the process for it. */
  #isNeeded({ lastSeq }: { readonly lastSeq: number }): boolean {
    return this.#overflow === 'pause' && !this.#readers.canSpare(lastSeq, this.#closed);
  }

  #needOf(what: { readonly lastSeq: number } | undefined): Standing['oldestBlock'] {
    if (what === undefined) return 'none';
    return this.#isNeeded(what) ? 'needed' : 'free';
  }

  /** Drops what the bound and the policy say, and sets the flow by what is left. */
  #trim(): void {
    while (
      exceeds(this.#sizes, this.#events.outputBytes, this.#events.outputCount) &&
      (this.#overflow === 'drop-oldest' || this.#readers.haveHad(this.#events.oldestEndSeq))
    ) {
      this.#events.dropOldest();
    }
    // What is appended may be the first that somebody has a right to.
    if (this.#files.takeChanged() || !this.#appendIsSilent) this.#changed();
    this.#setFlow();
  }

  /** Whether as much as shall be retained is still to be sent to a reader, or to be acknowledged. */
  #isAhead(): boolean {
    const { outputBytes, outputCount } = this.#events;
    if (!exceeds(this.#sizes, outputBytes, outputCount)) return false;
    const { bytes, count } = this.#readers.unsent(this.#written, this.lastSeq);
    const ahead = [Math.min(outputBytes, bytes), Math.min(outputCount, count)] as const;
    return exceeds(this.#sizes, ...ahead) || this.#readers.overdue;
  }

  #setFlow(): void {
    const pauses = this.#overflow === 'pause';
    const pressure = this.#disposed ? 'none' : this.#store.pressureFor(this);
    // Where all have read all, it is not this one that memory is full of.
    const pressed =
      pressure === 'lagging' ||
      (pressure === 'full' && pauses && !this.#readers.canSpare(this.lastSeq, this.#closed));
    const flowing = !(pauses && this.#isAhead()) && !pressed && !this.#files.lagging;
    if (flowing === this.#flowing) return;
    this.#flowing = flowing;
    this.#onFlow(flowing);
  }

  /** What cursors need of the log. */
  readonly #source: EventSource = {
    store: () => this.#store,
    lastSeq: () => this.lastSeq,
    closed: () => this.#closed,
    locate: (seq) => this.#events.locate(seq),
    load: (block) => this.#files.load(block),
    waiters: () => this.#waiters,
    advanced: (cursor) => {
      this.#readers.update(cursor);
      // The memory of a few blocks is used over and over.
      if (this.#readOnce) this.#events.dropBlocksWhile((it) => this.#readers.haveHad(it.lastSeq));
      this.#needsLess();
    },
  };

  /** A reader got on or left, or none will come: what it held up may go on. */
  #needsLess(): void {
    if (this.#disposed) return;
    this.#changed();
    this.#trim();
  }
}
