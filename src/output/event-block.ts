import { BlockMemory } from './block-memory.ts';
import {
  type MutableOffsets,
  OUTPUT_STREAMS,
  type OutputStream,
  type StreamOffsets,
} from './event.ts';
import { decodeOutput, elementEnd, writeOutput } from './output-encoder.ts';
import { MAX_OUTPUT_HEAD_BYTES } from './sizes.ts';
import type { BlockPlace } from './spool/block.ts';
import { Uint32List } from './uint32-list.ts';

/** Bytes that a block begins with: most processes write little. */
const FIRST_CAPACITY = 512;

/** Lengths of output are kept in the bits above the stream's. */
const STREAM_BITS = 2;

/** An event that is never dropped. */
export interface LifecycleRecord {
  readonly seq: number;
  readonly bytes: Uint8Array;
  /** Where the streams stood at it. */
  readonly before: StreamOffsets;
  /** It tells a size: only the latest of those that were dropped is kept. */
  readonly isSize: boolean;
}

/**
 * Consecutive events of a log, encoded one after the other in one piece of memory, as
 * they go to readers and to a file. It is in memory; or in a file; or lost, if the
 * file failed.
 */
export class EventBlock {
  readonly firstSeq: number;
  /** Where the streams stood before the first event. */
  readonly before: StreamOffsets;
  /** Its events that are never dropped. */
  readonly lifecycle: LifecycleRecord[] = [];
  /** Where it is in the spool, once it was written. */
  place: BlockPlace | undefined;
  /** It is being written, and needs its memory for that. */
  writing = false;
  /** Nothing is appended any more. */
  sealed = false;
  #lost = false;
  #after: MutableOffsets;
  #memory: BlockMemory | undefined;
  #bytes = 0;
  /** Of each event the bytes and stream of its output, packed; 0: none. Undefined: forgotten. */
  #outputs: Uint32List | undefined = new Uint32List();
  /** Where the encoding of each event ends; while it is in memory. */
  #ends = new Uint32List();
  #count = 0;
  #dropped = 0;
  #outputBytes = 0;
  #outputCount = 0;

  constructor(firstSeq: number, before: StreamOffsets, capacity: number) {
    this.firstSeq = firstSeq;
    this.before = before;
    this.#after = { ...before };
    this.#memory = new BlockMemory(Math.max(capacity, FIRST_CAPACITY));
  }

  /** How many bytes a piece of output takes at most. */
  static outputBytes(data: Uint8Array): number {
    return MAX_OUTPUT_HEAD_BYTES + data.byteLength;
  }

  /** How many events it has, dropped ones included. */
  get count(): number {
    return this.#count;
  }

  /** How many of them, the oldest, are dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The `seq` of the last event. */
  get lastSeq(): number {
    return this.firstSeq + this.#count - 1;
  }

  /** The `seq` of the first event that is not dropped. */
  get headSeq(): number {
    return this.firstSeq + this.#dropped;
  }

  /** The `seq` of the last event that goes when the oldest is dropped. */
  get oldestEndSeq(): number {
    return this.#outputs === undefined ? this.lastSeq : this.headSeq;
  }

  /** Where the streams stand after the last event. */
  get after(): StreamOffsets {
    return this.#after;
  }

  /** Bytes of its encoded events. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of memory that it has for its events and what it knows of them; 0 once it has none of them. */
  get memory(): number {
    if (this.#memory === undefined) return 0;
    return this.#memory.buffer.byteLength + this.#ends.bytes + this.sizesBytes;
  }

  /** Bytes of memory in which are the sizes of its events. */
  get sizesBytes(): number {
    return this.#outputs?.bytes ?? 0;
  }

  /** Bytes of output in it that are not dropped. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /** Events of output in it that are not dropped. */
  get outputCount(): number {
    return this.#outputCount;
  }

  /** It can be read nowhere: its output is a gap. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Appends output; a copy is made. `memoryLimit`: see {@link reserve}. */
  appendOutput(timeMs: number, stream: OutputStream, data: Uint8Array, memoryLimit: number): void {
    const buffer = this.#reserve(MAX_OUTPUT_HEAD_BYTES + data.byteLength, memoryLimit);
    const { firstSeq } = this;
    const seq = firstSeq + this.#count;
    const offset = this.#after[stream];
    const end = writeOutput(buffer, this.#bytes, seq, timeMs, stream, offset, data);
    this.#after[stream] += data.byteLength;
    this.#outputBytes += data.byteLength;
    this.#outputCount += 1;
    this.#add(end, (data.byteLength << STREAM_BITS) | OUTPUT_STREAMS.indexOf(stream));
  }

  /** Appends an event that is never dropped; `isSize`: unless it is forgotten. */
  appendLifecycle(bytes: Uint8Array, isSize: boolean, memoryLimit: number): LifecycleRecord {
    const buffer = this.#reserve(bytes.byteLength, memoryLimit);
    buffer.set(bytes, this.#bytes);
    const before = { ...this.#after };
    const record = { seq: this.firstSeq + this.#count, bytes, before, isSize };
    this.lifecycle.push(record);
    this.#add(this.#bytes + bytes.byteLength, 0);
    return record;
  }

  /** Drops the oldest event, or all where their sizes are not known; returns what that was. */
  dropOldest(): { readonly stream: OutputStream; readonly length: number } | 'all' {
    const packed = this.#outputs?.at(this.#dropped);
    if (packed === undefined) {
      this.#dropped = this.#count;
      this.#outputBytes = 0;
      this.#outputCount = 0;
      return 'all';
    }
    this.#dropped += 1;
    const { length, stream } = unpack(packed);
    if (!this.lost) {
      this.#outputBytes -= length;
      if (length > 0) this.#outputCount -= 1;
    }
    return { stream, length };
  }

  /**
   * Adds the output of the events from `fromSeq` to before `toSeq`; false if it is not
   * known, since the sizes were forgotten.
   */
  advance(offsets: MutableOffsets, fromSeq: number, toSeq: number): boolean {
    if (toSeq > this.lastSeq) {
      Object.assign(offsets, this.#after);
      return true;
    }
    if (this.#outputs === undefined) return false;
    for (let i = fromSeq - this.firstSeq; i < toSeq - this.firstSeq; i++) {
      const { length, stream } = unpack(this.#outputs.at(i) ?? 0);
      offsets[stream] += length;
    }
    return true;
  }

  /** Where the streams stood before the event `seq`, by all encoded events. */
  offsetsBefore(seq: number, encoded: Uint8Array): MutableOffsets {
    const offsets = { ...this.before };
    for (let at = 0, left = seq - this.firstSeq; left > 0; left--) {
      const end = elementEnd(encoded, at);
      const output = decodeOutput(encoded.subarray(at, end));
      if (output !== undefined) offsets[output.stream] += output.length;
      at = end;
    }
    return offsets;
  }

  /** Keeps what {@link encoded} is until that is released; undefined: it is not in memory. */
  hold(): BlockMemory | undefined {
    return this.#memory?.hold();
  }

  /** All encoded events; undefined if they are not in memory. */
  get encoded(): Buffer | undefined {
    return this.#memory?.buffer.subarray(0, this.#bytes);
  }

  /**
   * The encodings from the event `seq` on: as many as fit into `maxBytes`, and at
   * least one if `atLeastOne`. `encoded` are all of them, if they are not in memory.
   */
  slice(
    seq: number,
    maxBytes: number,
    atLeastOne: boolean,
    encoded = this.encoded,
  ): { readonly bytes: Buffer; readonly lastSeq: number } | undefined {
    if (encoded === undefined) return undefined;
    const ends = this.#memory === undefined ? endsOf(encoded) : this.#ends;
    const first = seq - this.firstSeq;
    const start = first === 0 ? 0 : (ends.at(first - 1) ?? 0);
    const limit = start + maxBytes;
    let last = this.#count - 1;
    if ((ends.at(last) ?? 0) > limit) last = ends.lastWithin(first, limit);
    if (last < first) {
      if (!atLeastOne) return undefined;
      last = first;
    }
    return { bytes: encoded.subarray(start, ends.at(last)), lastSeq: this.firstSeq + last };
  }

  /** Its output is gone, though it is not the oldest. */
  lose(): void {
    this.sealed = true;
    this.#lost = true;
    this.#outputBytes = 0;
    this.#outputCount = 0;
  }

  /** It was written, or is gone: the memory is not needed any more. The sizes stay. */
  freeMemory(): void {
    this.#memory?.free();
    this.#memory = undefined;
    this.#ends = new Uint32List();
    this.#outputs?.trim();
  }

  /** Forgets the sizes of its events, which take memory too. */
  forgetSizes(): void {
    this.#outputs = undefined;
  }

  #add(end: number, packed: number): void {
    this.#bytes = end;
    this.#ends.push(end);
    this.#outputs?.push(packed);
    this.#count += 1;
  }

  /** Memory for so many bytes more. It grows twofold, to `memoryLimit` if that is enough. */
  #reserve(bytes: number, memoryLimit: number): Buffer {
    const memory = this.#memory;
    if (memory === undefined) throw new Error('an event was appended to a block that was written');
    const needed = this.#bytes + bytes;
    const { buffer } = memory;
    if (needed <= buffer.byteLength) return buffer;
    const doubled = Math.min(memoryLimit, 2 * buffer.byteLength);
    const larger = new BlockMemory(Math.max(needed, doubled));
    buffer.copy(larger.buffer, 0, 0, this.#bytes);
    memory.free();
    this.#memory = larger;
    return larger.buffer;
  }
}

function unpack(packed: number): { readonly stream: OutputStream; readonly length: number } {
  const stream = OUTPUT_STREAMS[packed & ((1 << STREAM_BITS) - 1)] ?? 'stdout';
  return { stream, length: packed >>> STREAM_BITS };
}

function endsOf(encoded: Uint8Array): Uint32List {
  const ends = new Uint32List();
  for (let at = 0; at < encoded.byteLength; ) {
    at = elementEnd(encoded, at);
    ends.push(at);
  }
  return ends;
}
