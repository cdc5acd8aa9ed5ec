import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutputStream as StreamName } from '../../src/output/event.ts';
import type { Overflow } from '../../src/output/event-log-options.ts';
import { MIN_EVENT_BYTES } from '../../src/output/sizes.ts';
import { decodeBatch } from '../support/decode.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { memoryStore, readNow } from '../support/output.ts';
import { hasGap, isSettled, LogRig, outputLength, type Reader } from './log-rig.ts';

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

/**
 * The log of a store that has as much memory as it wants, for which what was sent has arrived:
 * what is kept of that is in acknowledgment.property.test.ts.
 */
function memoryRig(overflow: Overflow): { readonly rig: LogRig; readonly clock: FakeClock } {
  const clock = new FakeClock();
  const options = { name: 'p', retainedBytes: RETAINED_BYTES, slackBytes: 0, overflow };
  return { rig: new LogRig({ ...options, store: memoryStore(clock) }), clock };
}

function read(rig: LogRig, reader: Reader, maxBytes: number): void {
  rig.take(reader, readNow(reader.cursor, maxBytes));
}

function apply(rig: LogRig, step: Operation): void {
  if (step.kind === 'output') rig.output(step.stream, step.length);
  else if (step.kind === 'lifecycle') rig.lifecycle();
  else if (step.kind === 'open') rig.open();
  else applyTo(rig, step, rig.pick(step.reader));
}

function applyTo(rig: LogRig, step: ReaderOperation, reader: Reader | undefined): void {
  if (reader === undefined) return;
  if (step.kind === 'read') read(rig, reader, step.maxBytes);
  else if (step.kind === 'wait') rig.wait(reader);
  else if (step.kind === 'leave') rig.leave(reader);
  else rig.resume(reader, step.keep);
}

/** What is said to be missing is missing because the bound was reached, and no more is. */
function checkRetention({ log }: LogRig): void {
  const cursor = log.openCursor(0);
  const events = decodeBatch(readNow(cursor, Number.POSITIVE_INFINITY));
  cursor.close();
  expect(outputLength(events)).toBe(log.outputBytes);
  if (hasGap(events)) expect(log.outputBytes).toBeGreaterThan(RETAINED_BYTES - MIN_EVENT_BYTES);
}

/** Ends the log, lets every reader read to the end, and checks what each one has. */
function finish(rig: LogRig): void {
  rig.close();
  for (const reader of rig.readers) {
    while (!reader.cursor.ended) read(rig, reader, 200);
    rig.checkWhole(reader);
  }
}

describe('an event log, whatever is done to it', () => {
  it('numbers without holes, and tells every reader all bytes or their exact absence', () => {
    fc.assert(
      fc.property(operations(120), (steps) => {
        const { rig } = memoryRig('drop-oldest');
        rig.open();
        for (const step of steps) {
          apply(rig, step);
          expect(rig.log.lastSeq).toBe(rig.truths.length);
          expect(rig.log.outputBytes).toBeLessThanOrEqual(RETAINED_BYTES);
          checkRetention(rig);
        }
        finish(rig);
      }),
      { numRuns: 200 },
    );
  });

  it('loses no wake-up: a wait is over if, and only if, there is something to read', async () => {
    await fc.assert(
      fc.asyncProperty(operations(40), async (steps) => {
        const { clock, rig } = memoryRig('drop-oldest');
        rig.open();
        for (const step of steps) {
          apply(rig, step);
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
        finish(rig);
        for (const waiting of pending)
          if (waiting !== undefined) expect(await waiting).toBe('ready');
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('never drops what a reader under way has not had, where it pauses instead', () => {
    fc.assert(
      fc.property(operations(120), (steps) => {
        const { rig } = memoryRig('pause');
        const faithful = rig.open();
        for (const step of steps) {
          // A process whose pipe is not read writes nothing; one whose is, anything.
          if (step.kind === 'output' && !rig.log.flowing) continue;
          if (step.kind === 'leave' && rig.pick(step.reader) === faithful) continue;
          apply(rig, step);
          expect(rig.log.outputBytes).toBeLessThanOrEqual(RETAINED_BYTES + 200);
        }
        while (faithful.cursor.nextSeq <= rig.log.lastSeq) read(rig, faithful, 100);
        rig.check(faithful);
        expect(hasGap(faithful.received)).toBe(false);
        for (const reader of rig.readers) {
          while (reader.cursor.nextSeq <= rig.log.lastSeq) read(rig, reader, 100);
        }
        // All have had all: nothing is left to wait for.
        expect(rig.log.flowing).toBe(true);
        finish(rig);
      }),
      { numRuns: 150 },
    );
  });

  it('that is read once keeps little more than what was not read, and loses nothing of that', () => {
    const blockBytes = 150;
    fc.assert(
      fc.property(operations(200), (steps) => {
        const clock = new FakeClock();
        const store = memoryStore(clock, { blockBytes });
        const options = { name: 'p', retainedBytes: 1_000_000, readOnce: true };
        const rig = new LogRig({ ...options, store, overflow: 'pause' });
        for (const step of steps) {
          // Its one reader may come late, but does not go.
          if (step.kind === 'leave' || step.kind === 'resume') continue;
          if (step.kind === 'open' && rig.readers.length > 0) continue;
          apply(rig, step);
          const [reader] = rig.readers;
          if (step.kind !== 'read' || reader === undefined) continue;
          const unread = rig.truths.slice(reader.cursor.nextSeq - 1);
          const unreadBytes = unread.reduce((sum, { data }) => sum + data.byteLength, 0);
          // A block is given up when all of it was read, and the last one never.
          expect(rig.log.outputBytes).toBeLessThanOrEqual(unreadBytes + 2 * blockBytes);
        }
        if (rig.readers.length === 0) rig.open();
        finish(rig);
        expect(hasGap(rig.readers[0]?.received ?? [])).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
