import type { Clock } from '../clock.ts';
import { type GapRange, OUTPUT_STREAMS, type OutputStream, type StreamOffsets } from './event.ts';
import { type EncodedEvent, encodedLength, encodeGap } from './event-encoding.ts';

/** An event in the log. */
export interface LogRecord {
  readonly seq: number;
  readonly encoded: EncodedEvent;
  /** Where the streams stood before it. */
  readonly before: StreamOffsets;
  /** What it adds to its stream; absent for all but output. */
  readonly output?: { readonly stream: OutputStream; readonly length: number };
}

/** What a cursor needs of its log. */
export interface EventSource {
  clock(): Clock;
  lastSeq(): number;
  closed(): boolean;
  record(seq: number): LogRecord | undefined;
  droppedRun(seq: number): { lastSeq: number; after: StreamOffsets };
  addWaiter(waiter: () => void): void;
  removeWaiter(waiter: () => void): void;
  advanced(): void;
}

/** Consecutive events, in order. */
export interface EventBatch {
  readonly events: readonly EncodedEvent[];
  /** The `seq` of the last of them, to resume after. */
  readonly lastSeq: number;
}

/** How a wait ended. */
export type WaitOutcome = 'ready' | 'timeout' | 'aborted';

/**
 * One reader's place in a log. Nothing is queued for it: it pulls from the log
 * what follows its place, and learns by its own offsets what it misses.
 */
export class EventCursor {
  readonly #source: EventSource;
  #nextSeq: number;
  #offsets: StreamOffsets;

  #onClose: (() => void) | undefined;

  /** Made by `EventLog.openCursor`; `offsets` is where the streams stood before `nextSeq`. */
  constructor(source: EventSource, nextSeq: number, offsets: StreamOffsets, onClose: () => void) {
    this.#source = source;
    this.#nextSeq = nextSeq;
    this.#offsets = offsets;
    this.#onClose = onClose;
  }

  /** The number of the event that is read next. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** `closed` has been read: nothing will follow. */
  get ended(): boolean {
    return this.#source.closed() && !this.#hasNext();
  }

  /**
   * The events that follow, about `maxBytes` of them and at least one; none if
   * there is nothing to read yet.
   */
  read(maxBytes: number): EventBatch | undefined {
    const events: EncodedEvent[] = [];
    let bytes = 0;
    while (this.#hasNext() && bytes < maxBytes) {
      const record = this.#source.record(this.#nextSeq);
      const length = record === undefined ? 0 : encodedLength(record.encoded);
      if (events.length > 0 && bytes + length > maxBytes) break;
      const event = record === undefined ? this.#takeGap() : this.#take(record);
      events.push(event);
      bytes += encodedLength(event);
    }
    if (events.length === 0) return undefined;
    this.#source.advanced();
    return { events, lastSeq: this.#nextSeq - 1 };
  }

  /**
   * Waits until there is something to read or the log is closed, for `timeoutMs`
   * at most, or until the signal aborts.
   */
  wait(timeoutMs: number, signal: AbortSignal): Promise<WaitOutcome> {
    if (this.#hasNext() || this.#source.closed()) return Promise.resolve('ready');
    if (signal.aborted) return Promise.resolve('aborted');
    return new Promise((resolve) => {
      const settle = (outcome: WaitOutcome): void => {
        timer.cancel();
        this.#source.removeWaiter(onEvent);
        signal.removeEventListener('abort', onAbort);
        resolve(outcome);
      };
      const onEvent = (): void => settle('ready');
      const onAbort = (): void => settle('aborted');
      const timer = this.#source.clock().setTimer(timeoutMs, () => settle('timeout'));
      this.#source.addWaiter(onEvent);
      signal.addEventListener('abort', onAbort);
    });
  }

  /** Ends the reading; a process that waits for this reader goes on. Idempotent. */
  close(): void {
    const onClose = this.#onClose;
    this.#onClose = undefined;
    onClose?.();
  }

  #hasNext(): boolean {
    return this.#nextSeq <= this.#source.lastSeq();
  }

  #take(record: LogRecord): EncodedEvent {
    this.#nextSeq = record.seq + 1;
    const { before, output } = record;
    this.#offsets =
      output === undefined
        ? before
        : { ...before, [output.stream]: before[output.stream] + output.length };
    return record.encoded;
  }

  #takeGap(): EncodedEvent {
    const { lastSeq, after } = this.#source.droppedRun(this.#nextSeq);
    const ranges: GapRange[] = [];
    for (const stream of OUTPUT_STREAMS) {
      const offset = this.#offsets[stream];
      const length = after[stream] - offset;
      if (length > 0) ranges.push({ stream, offset, length });
    }
    this.#nextSeq = lastSeq + 1;
    this.#offsets = after;
    return encodeGap(lastSeq, this.#source.clock().now(), ranges);
  }
}
