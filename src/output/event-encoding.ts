import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type Duration, DurationSchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import * as proto from '../gen/runlet/v1/event_pb.ts';
import {
  type EndReason,
  type ExitStatus,
  type GapRange,
  type LifecycleEvent,
  OUTPUT_STREAMS,
  type OutputStream,
} from './event.ts';

/**
 * An event as it goes over the wire: one element of the field `events = 1` that
 * every response with events has, its tag and length included. A response is
 * then nothing but the encodings of its events one after the other, so one
 * encoding serves every reader.
 */
export interface EncodedEvent {
  /** All of it, but for `body` where there is one. */
  readonly head: Uint8Array;
  /** The output's bytes as they were read, which follow `head`: they are not copied. */
  readonly body: Uint8Array | undefined;
}

/** The number of the field `events` in every response that has it. */
const EVENTS_FIELD = 1;

/** Output of fewer bytes is copied into `head`, so that small events do not hold two buffers. */
const INLINE_BYTES = 4096;

const STREAMS: Readonly<Record<OutputStream, proto.OutputStream>> = {
  stdout: proto.OutputStream.STDOUT,
  stderr: proto.OutputStream.STDERR,
  terminal: proto.OutputStream.TERMINAL,
};

const REASONS: Readonly<Record<EndReason, proto.EndReason>> = {
  exited: proto.EndReason.EXITED,
  signaled: proto.EndReason.SIGNALED,
  'timed-out': proto.EndReason.TIMED_OUT,
  terminated: proto.EndReason.TERMINATED,
  'session-expired': proto.EndReason.SESSION_EXPIRED,
  'session-closed': proto.EndReason.SESSION_CLOSED,
  'call-cancelled': proto.EndReason.CALL_CANCELLED,
  'server-shutdown': proto.EndReason.SERVER_SHUTDOWN,
};

/** How many bytes an event takes in a response. */
export function encodedLength(event: EncodedEvent): number {
  return event.head.byteLength + (event.body?.byteLength ?? 0);
}

/** Encodes any event but output. */
export function encodeLifecycle(seq: number, timeMs: number, event: LifecycleEvent): EncodedEvent {
  return encodeWhole(seq, timeMs, lifecycleCase(event));
}

/** Encodes a gap; `seq` is that of the last event that it stands for. */
export function encodeGap(seq: number, timeMs: number, ranges: readonly GapRange[]): EncodedEvent {
  const value = create(proto.OutputGapSchema, {
    ranges: ranges.map(({ stream, offset, length }) => ({
      stream: STREAMS[stream],
      offset: BigInt(offset),
      length: BigInt(length),
    })),
  });
  return encodeWhole(seq, timeMs, { case: 'gap', value });
}

/**
 * Encodes output by hand: `data` is the last field of the last field, so all
 * else can go before it and the bytes themselves need not be touched.
 */
export function encodeOutput(
  seq: number,
  timeMs: number,
  stream: OutputStream,
  offset: number,
  data: Uint8Array,
): EncodedEvent {
  const output = new BinaryWriter()
    .tag(proto.ProcessOutputSchema.field.stream.number, WireType.Varint)
    .int32(STREAMS[stream])
    .tag(proto.ProcessOutputSchema.field.offset.number, WireType.Varint)
    .uint64(offset)
    .tag(proto.ProcessOutputSchema.field.data.number, WireType.LengthDelimited)
    .uint32(data.byteLength)
    .finish();
  const event = new BinaryWriter()
    .tag(proto.ProcessEventSchema.field.seq.number, WireType.Varint)
    .uint64(seq)
    .tag(proto.ProcessEventSchema.field.time.number, WireType.LengthDelimited)
    .fork()
    .tag(1, WireType.Varint)
    .int64(Math.floor(timeMs / 1000))
    .tag(2, WireType.Varint)
    .int32((timeMs % 1000) * 1_000_000)
    .join()
    .tag(proto.ProcessEventSchema.field.output.number, WireType.LengthDelimited)
    .uint32(output.byteLength + data.byteLength)
    .raw(output)
    .finish();
  const head = new BinaryWriter()
    .tag(EVENTS_FIELD, WireType.LengthDelimited)
    .uint32(event.byteLength + data.byteLength)
    .raw(event)
    .finish();
  return data.byteLength < INLINE_BYTES
    ? { head: Buffer.concat([head, data]), body: undefined }
    : { head, body: data };
}

/** How a process ended, as the protos have it. */
export function exitStatusToProto(status: ExitStatus): proto.ExitStatus {
  return create(proto.ExitStatusSchema, {
    status:
      'code' in status
        ? { case: 'code', value: status.code }
        : { case: 'signal', value: status.signal },
  });
}

/** Why a process ended, as the protos have it. */
export function endReasonToProto(reason: EndReason): proto.EndReason {
  return REASONS[reason];
}

/** To the microsecond, which is what the kernel tells. */
function duration(ms: number): Duration {
  const microseconds = Math.round(ms * 1000);
  const seconds = Math.floor(microseconds / 1_000_000);
  const nanos = (microseconds - seconds * 1_000_000) * 1000;
  return create(DurationSchema, { seconds: BigInt(seconds), nanos });
}

function lifecycleCase(event: LifecycleEvent): proto.ProcessEvent['event'] {
  switch (event.kind) {
    case 'started':
      return {
        case: 'started',
        value: create(proto.ProcessStartedSchema, { pid: BigInt(event.pid) }),
      };
    case 'stdin-closed':
      return { case: 'stdinClosed', value: create(proto.StdinClosedSchema) };
    case 'exited':
      return {
        case: 'exited',
        value: create(proto.ProcessExitedSchema, {
          status: exitStatusToProto(event.status),
          reason: REASONS[event.reason],
          usage: {
            wallTime: duration(event.wallMs),
            ...(event.usage && {
              userTime: duration(event.usage.userMs),
              systemTime: duration(event.usage.systemMs),
              peakResidentBytes: BigInt(event.usage.peakResidentBytes ?? 0),
            }),
          },
        }),
      };
    case 'closed':
      return {
        case: 'closed',
        value: create(proto.ProcessClosedSchema, {
          totals: OUTPUT_STREAMS.flatMap((stream) => {
            const bytes = event.totals[stream];
            return bytes === undefined ? [] : [{ stream: STREAMS[stream], bytes: BigInt(bytes) }];
          }),
          outputComplete: event.outputComplete,
        }),
      };
  }
}

function encodeWhole(
  seq: number,
  timeMs: number,
  event: proto.ProcessEvent['event'],
): EncodedEvent {
  const bytes = toBinary(
    proto.ProcessEventSchema,
    create(proto.ProcessEventSchema, {
      seq: BigInt(seq),
      time: timestampFromMs(timeMs),
      event,
    }),
  );
  const head = new BinaryWriter().tag(EVENTS_FIELD, WireType.LengthDelimited).bytes(bytes).finish();
  return { head, body: undefined };
}
