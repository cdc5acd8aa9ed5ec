import type { ProcessEvent as ProcessEventMessage } from '../gen/runlet/v1/event_pb.ts';
import { OUTPUT_STREAMS, type OutputStreamName } from './names.ts';
import {
  dateOf,
  type OutputTotals,
  outputTotals,
  type ProcessExit,
  processExit,
} from './process-info.ts';

/** Bytes of one stream that the server no longer had when they were asked for. */
export interface GapRange {
  readonly stream: OutputStreamName;
  /** Where they begin in the stream. */
  readonly offset: number;
  /** How many they are. */
  readonly length: number;
}

/** What can happen to a process. */
export type ProcessEventDetail =
  /** `sandbox`: what enforces its sandbox, `bubblewrap`; empty: it runs in none. */
  | { readonly kind: 'started'; readonly pid: number; readonly sandbox: string }
  | {
      readonly kind: 'output';
      readonly stream: OutputStreamName;
      /** The position of the first of `data` in its stream. */
      readonly offset: number;
      readonly data: Buffer;
    }
  /** Output that is no longer there: one range for each stream that lacks any. */
  | { readonly kind: 'gap'; readonly ranges: readonly GapRange[] }
  /** Its terminal has this size from here on. */
  | { readonly kind: 'resized'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'stdin-closed' }
  /** It ended. Its output may go on. */
  | ({ readonly kind: 'exited' } & ProcessExit)
  /** It and its output have ended. The last event. */
  | {
      readonly kind: 'closed';
      readonly totals: OutputTotals;
      readonly outputComplete: boolean;
    };

/** One event of a process. */
export type ProcessEvent = ProcessEventDetail & {
  /** Its number: reading goes on after it by `after: seq`, from any client. */
  readonly seq: number;
  /** When the server saw it. */
  readonly time: Date;
};

/** An event, of a message; undefined for a kind that this version does not know. @internal */
export function processEvent(message: ProcessEventMessage): ProcessEvent | undefined {
  const detail = detailOf(message.event);
  return (
    detail && { ...detail, seq: Number(message.seq), time: dateOf(message.time) ?? new Date(0) }
  );
}

function detailOf(event: ProcessEventMessage['event']): ProcessEventDetail | undefined {
  switch (event.case) {
    case 'started':
      return { kind: 'started', pid: Number(event.value.pid), sandbox: event.value.sandbox };
    case 'output': {
      const { data, offset } = event.value;
      const stream = OUTPUT_STREAMS.name(event.value.stream);
      return stream && { kind: 'output', stream, offset: Number(offset), data: asBuffer(data) };
    }
    case 'gap':
      return {
        kind: 'gap',
        ranges: event.value.ranges.flatMap((range) => {
          const stream = OUTPUT_STREAMS.name(range.stream);
          return stream === undefined
            ? []
            : [{ stream, offset: Number(range.offset), length: Number(range.length) }];
        }),
      };
    case 'resized':
      return { kind: 'resized', columns: event.value.columns, rows: event.value.rows };
    case 'stdinClosed':
      return { kind: 'stdin-closed' };
    case 'exited': {
      const { reason, status, usage } = event.value;
      return status && { kind: 'exited', ...processExit(status, reason, usage) };
    }
    case 'closed': {
      const { outputComplete, totals } = event.value;
      return { kind: 'closed', totals: outputTotals(totals), outputComplete };
    }
    default:
      return undefined;
  }
}

/** The same memory as a Buffer. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
