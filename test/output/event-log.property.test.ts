import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { OutputStream } from '../../src/gen/runlet/v1/event_pb.ts';
import { MIN_EVENT_BYTES } from '../../src/limits.ts';
import { type OutputStream as StreamName, ZERO_OFFSETS } from '../../src/output/event.ts';
import type { EventCursor, WaitOutcome } from '../../src/output/event-cursor.ts';
import { EventLog } from '../../src/output/event-log.ts';
import { decodeBatch } from '../support/decode.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryStore, readNow } from '../support/output.ts';

/** Small enough to be exceeded all the time, and for events of the smallest size. */
const RETAINED_BYTES = 300;

type Operation =
  | { readonly kind: 'output'; readonly stream: StreamName; readonly length: number }
  | { readonly kind: 'lifecycle' }
  | { readonly kind: 'open' }
  | { readonly kind: 'resume'; readonly reader: number; readonly keep: number }
  | { readonly kind: 'read'; readonly reader: number; readonly maxBytes: number }
  | { readonly kind: 'wait'; readonly reader: number }
  | { readonly kind: 'leave'; readonly reader: number };

type ReaderOperation = Extract<Operation, { readonly reader: number }>;

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('output' as const),
      stream: fc.constantFrom<StreamName>('stdout', 'stderr'),
      length: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 200 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lifecycle' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('resume' as const),
      reader: fc.nat(),
      keep: fc.nat(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      reader: fc.nat(),
      maxBytes: fc.integer({ min: 1, max: 500 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), reader: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), reader: fc.nat() }) },
);

function operations(maxLength: number): fc.Arbitrary<readonly Operation[]> {
  return fc.array(operation, { maxLength, size: 'max' });
}

/** An event as the model knows it. */
interface Truth {
  readonly stream: StreamName | undefined;
  readonly data: Buffer;
}

/** All that one client received, from whichever cursors. */
interface Reader {
  cursor: EventCursor;
  readonly received: ProcessEvent[];
  waiting: Promise<WaitOutcome> | undefined;
}

/** The log under test, beside a list of everything that was ever appended to it. */
class Rig {
  readonly clock = new FakeClock();
  readonly log: EventLog;
  readonly truths: Truth[] = [];
  readonly readers: Reader[] = [];
  #nextByte = 0;

  constructor(overflow: 'drop-oldest' | 'pause') {
    const store = memoryStore(this.clock);
    this.log = new EventLog({ name: 'p', store, retainedBytes: RETAINED_BYTES, overflow });
    this.log.append({ kind: 'started', pid: 1 });
    this.truths.push({ stream: undefined, data: Buffer.alloc(0) });
  }

  output(stream: StreamName, length: number): void {
    const data = Buffer.from(Array.from({ length }, () => this.#nextByte++ % 251));
    this.log.appendOutput(stream, data);
    for (let start = 0; start < length; start += MIN_EVENT_BYTES) {
      this.truths.push({ stream, data: data.subarray(start, start + MIN_EVENT_BYTES) });
    }
  }

  lifecycle(): void {
    this.log.append({ kind: 'stdin-closed' });
    this.truths.push({ stream: undefined, data: Buffer.alloc(0) });
  }

  open(afterSeq: number, received: ProcessEvent[]): Reader {
    const reader = { cursor: this.log.openCursor(afterSeq), received, waiting: undefined };
    this.readers.push(reader);
    return reader;
  }

  pick(index: number): Reader | undefined {
    return this.readers[index % Math.max(1, this.readers.length)];
  }

  read(reader: Reader, maxBytes: number): void {
    reader.received.push(...decodeBatch(readNow(reader.cursor, maxBytes)));
  }

  apply(step: Operation): void {
    if (step.kind === 'output') this.output(step.stream, step.length);
    else if (step.kind === 'lifecycle') this.lifecycle();
    else if (step.kind === 'open') this.open(0, []);
    else this.applyTo(step, this.pick(step.reader));
  }

  applyTo(step: ReaderOperation, reader: Reader | undefined): void {
    if (reader === undefined) return;
    if (step.kind === 'read') {
      this.read(reader, step.maxBytes);
    } else if (step.kind === 'wait') {
      reader.waiting ??= reader.cursor.wait(1_000, new AbortController().signal);
    } else if (step.kind === 'leave') {
      reader.cursor.close();
      this.readers.splice(this.readers.indexOf(reader), 1);
    } else {
      // A client that lost its connection, and perhaps what was on its way.
      const received = reader.received.slice(0, step.keep % (reader.received.length + 1));
      this.open(Number(received.at(-1)?.seq ?? 0n), received);
    }
  }

  /** Everything a reader received is the truth, in order, once, with nothing left out unsaid. */
  check(reader: Reader): void {
    const offsets = { ...ZERO_OFFSETS };
    let seq = 0;
    for (const event of reader.received) {
      const covered = this.truths.slice(seq, Number(event.seq));
      expect(Number(event.seq)).toBeGreaterThan(seq);
      if (event.event.case === 'gap') {
        const missing = { ...ZERO_OFFSETS };
        for (const { data, stream } of covered) {
          expect(stream).toBeDefined();
          if (stream !== undefined) missing[stream] += data.byteLength;
        }
        for (const range of event.event.value.ranges) {
          const stream = range.stream === OutputStream.STDOUT ? 'stdout' : 'stderr';
          expect(Number(range.offset)).toBe(offsets[stream]);
          expect(Number(range.length)).toBe(missing[stream]);
          offsets[stream] += missing[stream];
          missing[stream] = 0;
        }
        expect(missing).toEqual({ ...ZERO_OFFSETS });
      } else {
        const [truth] = covered;
        expect(covered).toHaveLength(1);
        if (event.event.case === 'output') {
          const { data, offset, stream } = event.event.value;
          const name = stream === OutputStream.STDOUT ? 'stdout' : 'stderr';
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

  /** What is said to be missing is missing because the bound was reached, and no more is. */
  checkRetention(): void {
    const cursor = this.log.openCursor(0);
    const events = decodeBatch(readNow(cursor, Number.POSITIVE_INFINITY));
    cursor.close();
    expect(outputLength(events)).toBe(this.log.outputBytes);
    if (events.some(({ event }) => event.case === 'gap')) {
      expect(this.log.outputBytes).toBeGreaterThan(RETAINED_BYTES - MIN_EVENT_BYTES);
    }
  }

  /** Ends the log, lets every reader read to the end, and checks what each one has. */
  finish(): void {
    const { totals } = this.log;
    this.log.append({ kind: 'closed', totals, outputComplete: true });
    this.truths.push({ stream: undefined, data: Buffer.alloc(0) });
    for (const reader of this.readers) {
      while (!reader.cursor.ended) this.read(reader, 200);
      this.check(reader);
      expect(Number(reader.received.at(-1)?.seq)).toBe(this.truths.length);
      expect(reader.received.at(-1)?.event.case).toBe('closed');
    }
  }
}

function outputLength(events: readonly ProcessEvent[]): number {
  let length = 0;
  for (const { event } of events) if (event.case === 'output') length += event.value.data.length;
  return length;
}

/** Whether a promise is settled once all that is due has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise(setImmediate);
  return settled;
}

describe('an event log, whatever is done to it', () => {
  it('numbers without holes, and tells every reader all bytes or their exact absence', () => {
    fc.assert(
      fc.property(operations(120), (steps) => {
        const rig = new Rig('drop-oldest');
        rig.open(0, []);
        for (const step of steps) {
          rig.apply(step);
          expect(rig.log.lastSeq).toBe(rig.truths.length);
          expect(rig.log.outputBytes).toBeLessThanOrEqual(RETAINED_BYTES);
          rig.checkRetention();
        }
        rig.finish();
      }),
      { numRuns: 200 },
    );
  });

  it('loses no wake-up: a wait is over if, and only if, there is something to read', async () => {
    await fc.assert(
      fc.asyncProperty(operations(40), async (steps) => {
        const rig = new Rig('drop-oldest');
        rig.open(0, []);
        for (const step of steps) {
          rig.apply(step);
          for (const reader of rig.readers) {
            if (reader.waiting === undefined) continue;
            const readable = reader.cursor.nextSeq <= rig.log.lastSeq;
            if (readable) {
              expect(await isSettled(reader.waiting)).toBe(true);
              expect(await reader.waiting).toBe('ready');
              reader.waiting = undefined;
            } else if (step.kind !== 'read') {
              expect(await isSettled(reader.waiting)).toBe(false);
            }
          }
        }
        const pending = rig.readers.map(({ waiting }) => waiting);
        rig.finish();
        for (const waiting of pending)
          if (waiting !== undefined) expect(await waiting).toBe('ready');
        expect(rig.clock.pending).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('never drops what a reader under way has not had, where it pauses instead', () => {
    fc.assert(
      fc.property(operations(120), (steps) => {
        const rig = new Rig('pause');
        const faithful = rig.open(0, []);
        for (const step of steps) {
          // A process whose pipe is not read writes nothing; one whose is, anything.
          if (step.kind === 'output' && !rig.log.flowing) continue;
          if (step.kind === 'leave' && rig.pick(step.reader) === faithful) continue;
          rig.apply(step);
          expect(rig.log.outputBytes).toBeLessThanOrEqual(RETAINED_BYTES + 200);
        }
        while (faithful.cursor.nextSeq <= rig.log.lastSeq) rig.read(faithful, 100);
        rig.check(faithful);
        expect(faithful.received.every(({ event }) => event.case !== 'gap')).toBe(true);
        for (const reader of rig.readers) {
          while (reader.cursor.nextSeq <= rig.log.lastSeq) rig.read(reader, 100);
        }
        // All have had all: nothing is left to wait for.
        expect(rig.log.flowing).toBe(true);
        rig.finish();
      }),
      { numRuns: 150 },
    );
  });
});
