import { RunletError } from '../errors.ts';
import { Acknowledgment } from './acknowledgment.ts';
import type { BlockMemory } from './block-memory.ts';
import { type GapRange, type MutableOffsets, OUTPUT_STREAMS, type StreamOffsets } from './event.ts';
import type { EventBlock, LifecycleRecord } from './event-block.ts';
import { encodeGap } from './event-encoding.ts';
import type { ReaderOptions } from './event-log-options.ts';
import type { OutputStore } from './output-store.ts';
import { MAX_EVENT_BYTES } from './sizes.ts';
import type { Waiters } from './waiters.ts';

/** What there is where a reader goes on. */
export type Located =
  /** The event is in this block. */
  | { readonly kind: 'block'; readonly block: EventBlock }
  /** The event is this one, while those around it may be gone. */
  | { readonly kind: 'record'; readonly record: LifecycleRecord }
  /** It is gone, as is all to `lastSeq`, where the streams stand at `after`. */
  | { readonly kind: 'gap'; readonly lastSeq: number; readonly after: StreamOffsets };

/** What a cursor needs of its log. */
export interface EventSource {
  store(): Pick<OutputStore, 'clock' | 'loans' | 'meter'>;
  lastSeq(): number;
  closed(): boolean;
  locate(seq: number): Located;
  /** All encoded events of a block that is not in memory; undefined: look again. */
  load(block: EventBlock): Promise<Buffer | undefined>;
  waiters(): Waiters;
  /** A cursor was sent more, or has had more. */
  advanced(cursor: EventCursor): void;
}

/** How a cursor is made. */
export interface CursorOptions {
  /** The event before the first that is read. */
  readonly afterSeq: number;
  /** Where the streams stand after that. */
  readonly offsets: MutableOffsets;
  /** Bytes that may be on their way. */
  readonly slackBytes: number;
  readonly reader: ReaderOptions;
  /** Called once, when it is closed. */
  readonly onClose: () => void;
}

/** Consecutive events, in order, encoded one after the other. */
export interface EventBatch {
  /** What they are in is used again after the cursor's next read, and after its end. */
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  /** The `seq` of the last of them, to resume after. */
  readonly lastSeq: number;
}

/** Bytes of an encoded gap at most. */
const MAX_GAP_BYTES = 160;

/** How a wait ended. */
export type WaitOutcome = 'ready' | 'timeout' | 'aborted';

/**
 * One reader's place in a log. Nothing is queued for it: it pulls from the log
 * what follows its place, and learns by its own offsets what it misses.
 */
export class EventCursor {
  readonly #source: EventSource;
  #nextSeq: number;
  readonly #offsets: MutableOffsets;
  #onClose: (() => void) | undefined;
  /** What its client calls it; empty: nothing. */
  readonly readerId: string;
  /** What has arrived of what was read, as far as that is known. */
  readonly acknowledgment: Acknowledgment;
  /** What the batch that was read last is in. */
  #held: BlockMemory[] = [];
  /** Bytes of memory that this takes. */
  #lent = 0;
  /** Bytes of copies that were made instead. */
  #copied = 0;
  /** Events that the batch which is being read leaves out. */
  #missing = 0;
  #closed = false;

  /** Made by `EventLog.openCursor`. */
  constructor(source: EventSource, options: CursorOptions) {
    const { afterSeq, offsets, onClose, reader, slackBytes } = options;
    const { acknowledges = false, readerId = '' } = reader;
    this.#source = source;
    this.#nextSeq = afterSeq + 1;
    this.#offsets = offsets;
    this.#onClose = onClose;
    this.readerId = readerId;
    const always = acknowledges || readerId !== '';
    this.acknowledgment = new Acknowledgment({ seq: afterSeq, always, slackBytes });
  }

  /** The number of the event that is read next. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** The last event that has certainly arrived of what was read, and all before it. */
  get hadSeq(): number {
    return this.acknowledgment.seq;
  }

  /** The bytes of output before that which is read next, of all streams together. */
  get offset(): number {
    const { stderr, stdout, terminal } = this.#offsets;
    return stdout + stderr + terminal;
  }

  /**
   * An event has arrived, and all before it: they need not be kept for this reader.
   *
   * @throws RunletError `SEQ_BEYOND_END`
   */
  acknowledge(seq: number): void {
    assertWithin(seq, this.#source.lastSeq());
    if (this.#closed) return;
    this.acknowledgment.acknowledge(seq);
    this.#source.advanced(this);
  }

  /** `closed` has been read: nothing will follow. */
  get ended(): boolean {
    return this.#source.closed() && !this.#hasNext();
  }

  /**
   * The events that follow, about `maxBytes` of them and at least one; none if
   * there is nothing to read yet. A promise only where they have to be read from a
   * file. One read at a time.
   */
  read(maxBytes: number): EventBatch | undefined | Promise<EventBatch | undefined> {
    this.#release();
    const from = this.#nextSeq;
    this.#missing = 0;
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    while (this.#hasNext() && (bytes < maxBytes || pieces.length === 0)) {
      const found = this.#source.locate(this.#nextSeq);
      let piece: Uint8Array | undefined;
      if (found.kind === 'block') {
        if (found.block.encoded === undefined) {
          if (pieces.length === 0) return this.#readFile(found.block, maxBytes);
          break;
        }
        piece = this.#borrow(found.block, maxBytes - bytes, pieces.length === 0);
      } else if (found.kind === 'record') {
        if (pieces.length > 0 && bytes + found.record.bytes.byteLength > maxBytes) break;
        piece = this.#takeRecord(found.record);
      } else {
        if (pieces.length > 0 && bytes + MAX_GAP_BYTES > maxBytes) break;
        piece = this.#takeGap(found.lastSeq, found.after);
      }
      if (piece === undefined) break;
      pieces.push(piece);
      bytes += piece.byteLength;
    }
    return this.#finish(pieces, bytes, from);
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
        this.#source.waiters().remove(onEvent);
        signal.removeEventListener('abort', onAbort);
        resolve(outcome);
      };
      const onEvent = (): void => settle('ready');
      const onAbort = (): void => settle('aborted');
      const timer = this.#source.store().clock.setTimer(timeoutMs, () => settle('timeout'));
      this.#source.waiters().add(onEvent);
      signal.addEventListener('abort', onAbort);
    });
  }

  /** Ends the reading; a process that waits for this reader goes on. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#release();
    const onClose = this.#onClose;
    this.#onClose = undefined;
    onClose?.();
  }

  #release(): void {
    for (const memory of this.#held) memory.release();
    this.#held = [];
    this.#source.store().loans.giveBack(this.#lent, this.#copied);
    this.#lent = 0;
    this.#copied = 0;
  }

  #copy(piece: Uint8Array): Uint8Array {
    this.#source.store().loans.copy(piece.byteLength);
    this.#copied += piece.byteLength;
    return Uint8Array.from(piece);
  }

  /** What is in so much memory may be passed on as it is; false: a copy, which is small. */
  #mayBorrow(bytes: number): boolean {
    if (!this.#source.store().loans.take(bytes)) return false;
    this.#lent += bytes;
    return true;
  }

  /** Events of a block that is in memory, which is held as long as they are needed. */
  #borrow(block: EventBlock, maxBytes: number, first: boolean): Uint8Array | undefined {
    if (this.#mayBorrow(block.memory)) {
      const piece = this.#take(block, maxBytes, first);
      const held = piece && block.hold();
      if (held !== undefined) this.#held.push(held);
      return piece;
    }
    if (!first) return undefined;
    const piece = this.#take(block, Math.min(maxBytes, MAX_EVENT_BYTES), true);
    return piece && this.#copy(piece);
  }

  #hasNext(): boolean {
    return this.#nextSeq <= this.#source.lastSeq();
  }

  async #readFile(block: EventBlock, maxBytes: number): Promise<EventBatch | undefined> {
    const encoded = await this.#source.load(block);
    if (this.#closed) return undefined;
    // It is lost, or was dropped while it waited: now it is a gap.
    if (encoded === undefined) return this.read(maxBytes);
    const from = this.#nextSeq;
    const lent = this.#mayBorrow(encoded.byteLength);
    const most = lent ? maxBytes : Math.min(maxBytes, MAX_EVENT_BYTES);
    const taken = this.#take(block, most, true, encoded);
    const piece = taken && !lent ? this.#copy(taken) : taken;
    return piece === undefined ? undefined : this.#finish([piece], piece.byteLength, from);
  }

  #finish(pieces: readonly Uint8Array[], bytes: number, from: number): EventBatch | undefined {
    if (pieces.length === 0) return undefined;
    this.acknowledgment.sent(this.#nextSeq - 1, this.#nextSeq - from - this.#missing, bytes);
    this.#source.advanced(this);
    return { pieces, bytes, lastSeq: this.#nextSeq - 1 };
  }

  /** Events of a block from its place on. */
  #take(
    block: EventBlock,
    maxBytes: number,
    atLeastOne: boolean,
    encoded?: Buffer,
  ): Uint8Array | undefined {
    const slice = block.slice(this.#nextSeq, maxBytes, atLeastOne, encoded);
    if (slice === undefined) return undefined;
    const nextSeq = slice.lastSeq + 1;
    const known = block.advance(this.#offsets, this.#nextSeq, nextSeq);
    if (!known && encoded !== undefined) {
      Object.assign(this.#offsets, block.offsetsBefore(nextSeq, encoded));
    }
    this.#nextSeq = nextSeq;
    return slice.bytes;
  }

  #takeRecord(record: LifecycleRecord): Uint8Array {
    this.#nextSeq = record.seq + 1;
    Object.assign(this.#offsets, record.before);
    return record.bytes;
  }

  #takeGap(lastSeq: number, after: StreamOffsets): Uint8Array {
    const { clock, meter } = this.#source.store();
    const ranges: GapRange[] = [];
    for (const stream of OUTPUT_STREAMS) {
      const offset = this.#offsets[stream];
      const length = after[stream] - offset;
      if (length <= 0) continue;
      ranges.push({ stream, offset, length });
      meter.gap(length);
    }
    this.#missing += lastSeq + 1 - this.#nextSeq;
    this.#nextSeq = lastSeq + 1;
    Object.assign(this.#offsets, after);
    return encodeGap(lastSeq, clock.now(), ranges);
  }
}

/** @throws RunletError `SEQ_BEYOND_END` for an event that is not there yet */
export function assertWithin(seq: number, lastSeq: number): void {
  if (seq <= lastSeq) return;
  throw new RunletError('SEQ_BEYOND_END', { metadata: { last_seq: String(lastSeq) } });
}
