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
  type ResourceUsage,
  type StreamOffsets,
} from './event.ts';
import { EVENTS_FIELD, STREAM_NUMBERS } from './output-encoder.ts';

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

/*
 * An event is encoded as it goes over the wire: as one element of the field `events`
 * that every response with events has, its tag and length included. A response is
 * then nothing but the encodings of its events one after the other, so one
 * encoding serves every reader. Output is encoded in `output-encoder.ts`.
 */

/** Encodes any event but output. */
export function encodeLifecycle(seq: number, timeMs: number, event: LifecycleEvent): Uint8Array {
  return encodeWhole(seq, timeMs, lifecycleCase(event));
}

/** Encodes a gap; `seq` is that of the last event that it stands for. */
export function encodeGap(seq: number, timeMs: number, ranges: readonly GapRange[]): Uint8Array {
  const value = create(proto.OutputGapSchema, {
    ranges: ranges.map(({ stream, offset, length }) => ({
      stream: STREAM_NUMBERS[stream],
      offset: BigInt(offset),
      length: BigInt(length),
    })),
  });
  return encodeWhole(seq, timeMs, { case: 'gap', value });
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

/** What a process used, as the protos have it. */
export function usageToProto(
  wallMs: number,
  usage: ResourceUsage | undefined,
): proto.ResourceUsage {
  return create(proto.ResourceUsageSchema, {
    wallTime: spanToProto(wallMs),
    ...(usage && {
      userTime: spanToProto(usage.userMs),
      systemTime: spanToProto(usage.systemMs),
      peakResidentBytes: BigInt(usage.peakResidentBytes ?? 0),
    }),
  });
}

/** How much a process wrote to each stream that it has, as the protos have it. */
export function totalsToProto(totals: Partial<StreamOffsets>): proto.OutputTotal[] {
  return OUTPUT_STREAMS.flatMap((stream) => {
    const bytes = totals[stream];
    return bytes === undefined
      ? []
      : [
          create(proto.OutputTotalSchema, {
            stream: STREAM_NUMBERS[stream],
            bytes: BigInt(bytes),
          }),
        ];
  });
}

/** A span as the protos have it: to the microsecond, which is what the kernel tells. */
export function spanToProto(ms: number): Duration {
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
        value: create(proto.ProcessStartedSchema, {
          pid: BigInt(event.pid),
          sandbox: event.sandbox ?? '',
        }),
      };
    case 'resized': {
      const { columns, rows } = event;
      return { case: 'resized', value: create(proto.TerminalResizedSchema, { columns, rows }) };
    }
    case 'stdin-closed':
      return { case: 'stdinClosed', value: create(proto.StdinClosedSchema) };
    case 'exited':
      return {
        case: 'exited',
        value: create(proto.ProcessExitedSchema, {
          status: exitStatusToProto(event.status),
          reason: REASONS[event.reason],
          usage: usageToProto(event.wallMs, event.usage),
        }),
      };
    case 'closed':
      return {
        case: 'closed',
        value: create(proto.ProcessClosedSchema, {
          totals: totalsToProto(event.totals),
          outputComplete: event.outputComplete,
        }),
      };
  }
}

function encodeWhole(seq: number, timeMs: number, event: proto.ProcessEvent['event']): Uint8Array {
  const bytes = toBinary(
    proto.ProcessEventSchema,
    create(proto.ProcessEventSchema, {
      seq: BigInt(seq),
      time: timestampFromMs(timeMs),
      event,
    }),
  );
  return new BinaryWriter().tag(EVENTS_FIELD, WireType.LengthDelimited).bytes(bytes).finish();
}
