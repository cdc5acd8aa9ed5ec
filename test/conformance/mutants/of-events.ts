import { create } from '@bufbuild/protobuf';
import { TimestampSchema, timestampNow } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema } from '../../../src/gen/google/rpc/error_details_pb.ts';
import { OutputStream, type ProcessEvent } from '../../../src/gen/runlet/v1/event_pb.ts';
import { onEachEvent, onEvents, onFailures, onRequests, withDetails } from './hooks.ts';
import type { Mutant } from './mutant.ts';

/** Events and output. */
export const ofEvents: readonly Mutant[] = [
  {
    fault: 'a number is left out before `closed`',
    fails: ['LIFE-07', 'EVENT-01', 'EVENT-07', 'READ-01', 'READ-04', 'GAP-03', 'BEAT-03'],
    mutate: (real) =>
      onEachEvent(real, (event) => {
        if (event.event.case === 'closed') event.seq += 1n;
      }),
  },
  {
    fault: 'the offset counts the bytes of both streams',
    fails: ['EVENT-02', 'EVENT-07', 'READ-04', 'READ-06', 'GAP-01'],
    mutate: (real) =>
      onEvents(real, () => {
        let written = 0n;
        return (event) => {
          const { event: body } = event;
          if (body.case === 'output') {
            body.value.offset = written;
            written += BigInt(body.value.data.byteLength);
          }
          return [event];
        };
      }),
  },
  {
    fault: 'it is not told which output is standard error',
    fails: ['EVENT-03', 'GAP-01'],
    mutate: (real) =>
      onEachEvent(real, ({ event }) => {
        const told = event.case === 'gap' ? event.value.ranges : [event.value];
        for (const place of told) {
          const named = place !== undefined && 'stream' in place;
          if (named && place.stream === OutputStream.STDERR)
            place.stream = OutputStream.UNSPECIFIED;
        }
      }),
  },
  {
    fault: 'output that begins with a byte of zero is empty',
    fails: ['EVENT-04', 'EVENT-05', 'EVENT-06', 'GAP-01', 'GAP-06', 'RUN-03'],
    also: ['ACK-01', 'ACK-02', 'ACK-03', 'ACK-04', 'ACK-06', 'ACK-07', 'ACK-08', 'INTERACT-10'],
    mutate: (real) =>
      onEachEvent(real, ({ event }) => {
        const empty = event.case === 'output' && event.value.data[0] === 0;
        if (empty) event.value.data = new Uint8Array();
      }),
  },
  {
    fault: 'output is taken for text',
    fails: ['EVENT-05'],
    also: ['BYTES-01', 'BYTES-02', 'BYTES-03'],
    mutate: (real) =>
      onEachEvent(real, ({ event }) => {
        if (event.case !== 'output') return;
        event.value.data = Buffer.from(Buffer.from(event.value.data).toString());
      }),
  },
  {
    fault: 'the last bytes of much output of a process without input are lost at the exit',
    fails: ['EVENT-06', 'GAP-06'],
    also: ['ACK-01', 'ACK-02', 'ACK-03', 'ACK-06', 'ACK-07', 'ACK-08'],
    mutate: (real) => onEvents(real, loseLast, ['watchProcess']),
  },
  {
    fault: 'a stream begins with the event that it is to begin after',
    fails: ['EVENT-07', 'EVENT-11', 'GAP-04', 'BEAT-01'],
    mutate: (real) =>
      onRequests(real, ['watchProcess'], (request) => {
        if (request.afterSeq > 0n) request.afterSeq -= 1n;
      }),
  },
  {
    fault: 'an event bears the time at which it is read',
    fails: ['EVENT-07', 'EVENT-08', 'EVENT-09', 'READ-04', 'READ-06'],
    mutate: (real) => {
      let reads = 0;
      return onEachEvent(real, (event) => {
        // Those of two reads differ, however fast they follow one another.
        reads += 1;
        event.time = create(TimestampSchema, { seconds: timestampNow().seconds, nanos: reads });
      });
    },
  },
  {
    fault: 'a second reader takes the output from the first',
    fails: ['EVENT-09'],
    mutate: (real) => {
      const readers = new Map<string, object>();
      return {
        ...real,
        async *watchProcess(request, context) {
          const me = {};
          readers.set(request.processId, me);
          for await (const response of real.watchProcess(request, context)) {
            if (readers.get(request.processId) !== me) {
              response.events = response.events.filter(({ event }) => event.case !== 'output');
            }
            yield response;
          }
        },
      };
    },
  },
  {
    fault: 'output has no time',
    fails: ['EVENT-10'],
    mutate: (real) =>
      onEachEvent(real, (event) => {
        if (event.event.case === 'output') delete event.time;
      }),
  },
  {
    fault: 'SEQ_BEYOND_END does not tell the last event',
    fails: ['EVENT-11'],
    mutate: (real) =>
      onFailures(real, (error, reason) =>
        reason === 'SEQ_BEYOND_END'
          ? withDetails(error, ErrorInfoSchema, (info) => ({ ...info, metadata: {} }))
          : error,
      ),
  },
  {
    fault: '`stdin_closed` is an event of no kind',
    fails: ['EVENT-12', 'GAP-05'],
    mutate: (real) =>
      onEachEvent(real, (event) => {
        if (event.event.case === 'stdinClosed') event.event = { case: undefined };
      }),
  },
];

/** Much enough that it comes in several pieces. */
const MUCH = 60_000;

/**
 * Holds back output that does not end a line until the next event, and cuts it if that is the exit of a process
 * that was given no input.
 */
function loseLast(): (event: ProcessEvent) => readonly ProcessEvent[] {
  let held: ProcessEvent | undefined;
  let bytes = 0;
  let fed = false;
  return (event) => {
    const before = held;
    held = undefined;
    const { event: body } = event;
    fed ||= body.case === 'stdinClosed';
    const cut = body.case === 'exited' && bytes > MUCH && !fed;
    if (cut && before?.event.case === 'output') {
      before.event.value.data = before.event.value.data.subarray(0, -3);
    }
    if (body.case === 'output') {
      bytes += body.value.data.byteLength;
      if (body.value.data.at(-1) !== 0x0a) held = event;
    }
    return [before, held === undefined ? event : undefined].filter((one) => one !== undefined);
  };
}
