import { fromBinary } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProcessEvent } from '../../src/gen/runlet/v1/event_pb.ts';
import { WatchProcessResponseSchema } from '../../src/gen/runlet/v1/process_pb.ts';
import { type LifecycleEvent, OUTPUT_STREAMS, type OutputStream } from '../../src/output/event.ts';
import { encodeLifecycle } from '../../src/output/event-encoding.ts';
import {
  decodeOutput,
  elementEnd,
  STREAM_NUMBERS,
  writeOutput,
} from '../../src/output/output-encoder.ts';
import { MAX_EVENT_BYTES, MAX_OUTPUT_HEAD_BYTES } from '../../src/output/sizes.ts';

interface Output {
  readonly seq: number;
  readonly timeMs: number;
  readonly stream: OutputStream;
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Bytes before it, which must stay as they are. */
const AT = 7;
const UNTOUCHED = 0xa5;

/** Where one more bit, or one more byte of a varint, is needed, to the largest exact number. */
const whole = fc.oneof(
  fc.integer({ min: 0, max: 53 }).chain((bits) => {
    const power = 2 ** bits;
    return fc.constantFrom(power - 1, Math.min(power, Number.MAX_SAFE_INTEGER));
  }),
  fc.maxSafeNat(),
);

const data = fc
  .oneof(
    fc.nat(300),
    fc.constantFrom(0, 127, 128, 16_383, 16_384, MAX_EVENT_BYTES - 1, MAX_EVENT_BYTES),
  )
  .chain((length) => fc.nat(255).map((byte) => new Uint8Array(length).fill(byte)));

const output: fc.Arbitrary<Output> = fc.record({
  seq: whole,
  // To the end of the year 9999, where the protos' timestamps end.
  timeMs: fc.oneof(fc.nat(5_000), fc.integer({ min: 0, max: 253_402_300_799_999 })),
  stream: fc.constantFrom(...OUTPUT_STREAMS),
  offset: whole,
  data,
});

/** Writes an output event into the midst of memory that has just the room it needs. */
function write({ seq, timeMs, stream, offset, data }: Output): Buffer {
  const target = Buffer.alloc(AT + MAX_OUTPUT_HEAD_BYTES + data.byteLength, UNTOUCHED);
  const end = writeOutput(target, AT, seq, timeMs, stream, offset, data);
  const around = [...target.subarray(0, AT), ...target.subarray(end)];
  expect(around.every((byte) => byte === UNTOUCHED)).toBe(true);
  return target.subarray(AT, end);
}

function decode(bytes: Uint8Array): readonly ProcessEvent[] {
  return fromBinary(WatchProcessResponseSchema, bytes).events;
}

function expectSame(event: ProcessEvent | undefined, expected: Output): void {
  expect(event?.seq).toBe(BigInt(expected.seq));
  expect(event?.time && timestampMs(event.time)).toBe(expected.timeMs);
  if (event?.event.case !== 'output') throw new Error(`it is ${event?.event.case}`);
  const { data, offset, stream } = event.event.value;
  expect(stream).toBe(STREAM_NUMBERS[expected.stream]);
  expect(offset).toBe(BigInt(expected.offset));
  expect(Buffer.compare(data, expected.data)).toBe(0);
}

describe('an output event that is encoded by hand', () => {
  it('is decoded as what it was, whatever the sizes of its numbers and data', () => {
    fc.assert(
      fc.property(output, (expected) => {
        const events = decode(write(expected));
        expect(events).toHaveLength(1);
        expectSame(events[0], expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('has no field that is not known', () => {
    fc.assert(
      fc.property(output, (expected) => {
        const [event] = decode(write(expected));
        expect(event?.$unknown).toBeUndefined();
        expect(event?.event.value?.$unknown).toBeUndefined();
      }),
    );
  });
});

describe('encoded events one after the other', () => {
  const lifecycle = fc.constantFrom<LifecycleEvent>(
    { kind: 'started', pid: 1 },
    { kind: 'stdin-closed' },
    { kind: 'closed', totals: { stdout: 2 ** 40 }, outputComplete: true },
  );

  /** A lifecycle event among output, which protobuf-es encodes. */
  const element = fc.oneof(
    output.map((each) => ({ bytes: write(each), output: each })),
    lifecycle.map((each) => ({ bytes: encodeLifecycle(1, 0, each), output: undefined })),
  );
  const elements = fc.array(element, { minLength: 1, maxLength: 10 });

  it('end where they are told to', () => {
    fc.assert(
      fc.property(elements, (all) => {
        const bytes = Buffer.concat(all.map((each) => each.bytes));
        let at = 0;
        for (const each of all) {
          const end = elementEnd(bytes, at);
          expect(end - at).toBe(each.bytes.byteLength);
          at = end;
        }
        expect(at).toBe(bytes.byteLength);
        expect(decode(bytes)).toHaveLength(all.length);
      }),
      { numRuns: 200 },
    );
  });

  it('tell how much output of which stream they hold', () => {
    fc.assert(
      fc.property(element, ({ bytes, output: expected }) => {
        const found = decodeOutput(bytes);
        const { stream, data } = expected ?? {};
        expect(found).toEqual(expected && { stream, length: data?.byteLength });
      }),
      { numRuns: 200 },
    );
  });
});
