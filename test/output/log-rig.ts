import { expect } from 'vitest';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import { type OutputStream as StreamName, ZERO_OFFSETS } from '../../src/output/event.ts';
import type { EventBatch, EventCursor, WaitOutcome } from '../../src/output/event-cursor.ts';
import { EventLog } from '../../src/output/event-log.ts';
import type { EventLogOptions, ReaderOptions } from '../../src/output/event-log-options.ts';
import { logSizes } from '../../src/output/log-sizes.ts';
import { decodeBatch } from '../support/decode.ts';

/** An event as the model knows it. */
interface Truth {
  readonly stream: StreamName | undefined;
  readonly data: Buffer;
}

/** All that one client received, from whichever cursors. */
export interface Reader {
  readonly cursor: EventCursor;
  readonly received: ProcessEvent[];
  /** It went on where another one had stopped. */
  readonly resumed: boolean;
  waiting: Promise<WaitOutcome> | undefined;
}

/** A log under test, beside a list of everything that was ever appended to it. */
export class LogRig {
  readonly log: EventLog;
  readonly truths: Truth[] = [];
  readonly readers: Reader[] = [];
  readonly #eventBytes: number;
  #nextByte = 0;

  constructor(options: EventLogOptions) {
    const { retainedBytes, store } = options;
    this.#eventBytes = logSizes(retainedBytes, store.sizes.blockBytes).eventBytes;
    this.log = new EventLog(options);
    this.log.append({ kind: 'started', pid: 1 });
    this.truths.push({ stream: undefined, data: Buffer.alloc(0) });
  }

  output(stream: StreamName, length: number): void {
    const data = Buffer.from(Array.from({ length }, () => this.#nextByte++ % 251));
    this.log.appendOutput(stream, data);
    for (let start = 0; start < length; start += this.#eventBytes) {
      this.truths.push({ stream, data: data.subarray(start, start + this.#eventBytes) });
    }
  }

  lifecycle(): void {
    this.log.append({ kind: 'stdin-closed' });
    this.truths.push({ stream: undefined, data: Buffer.alloc(0) });
  }

  close(): void {
    const { totals } = this.log;
    this.log.append({ kind: 'closed', totals, outputComplete: true });
    this.truths.push({ stream: undefined, data: Buffer.alloc(0) });
  }

  open(afterSeq = 0, received: ProcessEvent[] = [], options: ReaderOptions = {}): Reader {
    const cursor = this.log.openCursor(afterSeq, () => {}, options);
    const reader = { cursor, received, resumed: afterSeq > 0, waiting: undefined };
    this.readers.push(reader);
    return reader;
  }

  /** A client that lost its connection, and perhaps what was on its way, comes back. */
  resume(reader: Reader, keep: number): void {
    const received = reader.received.slice(0, keep % (reader.received.length + 1));
    this.open(Number(received.at(-1)?.seq ?? 0n), received);
  }

  leave(reader: Reader): void {
    reader.cursor.close();
    this.readers.splice(this.readers.indexOf(reader), 1);
  }

  wait(reader: Reader): void {
    reader.waiting ??= reader.cursor.wait(1_000, new AbortController().signal);
  }

  pick(index: number): Reader | undefined {
    return this.readers[index % Math.max(1, this.readers.length)];
  }

  take(reader: Reader, batch: EventBatch | undefined): void {
    reader.received.push(...decodeBatch(batch));
  }

  /**
   * Everything a reader received is the truth, in order, once, with nothing left out
   * unsaid. `exact`: no gap tells of what it had before.
   */
  check({ received }: Reader, exact = true): void {
    const offsets = { ...ZERO_OFFSETS };
    let seq = 0;
    for (const event of received) {
      const covered = this.truths.slice(seq, Number(event.seq));
      expect(Number(event.seq)).toBeGreaterThan(seq);
      if (event.event.case === 'gap') {
        const missing = { ...ZERO_OFFSETS };
        for (const { data, stream } of covered) {
          expect(stream).toBeDefined();
          if (stream !== undefined) missing[stream] += data.byteLength;
        }
        for (const range of event.event.value.ranges) {
          const stream = nameOf(range.stream);
          const end = offsets[stream] + missing[stream];
          expect(Number(range.offset + range.length)).toBe(end);
          if (exact) expect(Number(range.offset)).toBe(offsets[stream]);
          else expect(Number(range.offset)).toBeLessThanOrEqual(offsets[stream]);
          offsets[stream] = end;
          missing[stream] = 0;
        }
        expect(missing).toEqual({ ...ZERO_OFFSETS });
      } else {
        const [truth] = covered;
        expect(covered).toHaveLength(1);
        if (event.event.case === 'output') {
          const { data, offset, stream } = event.event.value;
          const name = nameOf(stream);
          expect(truth?.stream).toBe(name);
          expect(Number(offset)).toBe(offsets[name]);
          expect(Buffer.compare(data, truth?.data ?? Buffer.alloc(0))).toBe(0);
          offsets[name] += data.byteLength;
        } else {
          expect(truth?.stream).toBeUndefined();
        }
      }
      seq = Number(event.seq);
    }
  }

  /** The same of one that read to the end. */
  checkWhole(reader: Reader, exact = true): void {
    this.check(reader, exact);
    const last = reader.received.at(-1);
    expect(Number(last?.seq)).toBe(this.truths.length);
    if (last?.event.case !== 'closed') throw new Error(`the last event is ${last?.event.case}`);
    for (const { bytes, stream } of last.event.value.totals) {
      const written = this.truths.filter((truth) => truth.stream === nameOf(stream));
      expect(Number(bytes)).toBe(written.reduce((sum, { data }) => sum + data.byteLength, 0));
    }
  }
}

/** Bytes of output among some events. */
export function outputLength(events: readonly ProcessEvent[]): number {
  let length = 0;
  for (const { event } of events) if (event.case === 'output') length += event.value.data.length;
  return length;
}

/** Whether there is a gap among some events. */
export function hasGap(events: readonly ProcessEvent[]): boolean {
  return events.some(({ event }) => event.case === 'gap');
}

/** Whether a promise is settled once all that is due has run. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise(setImmediate);
  return settled;
}

function nameOf(stream: OutputStream): StreamName {
  if (stream === OutputStream.STDOUT) return 'stdout';
  return stream === OutputStream.STDERR ? 'stderr' : 'terminal';
}
