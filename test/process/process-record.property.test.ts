import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndReason, OutputStream } from '../../src/output/event.ts';
import {
  newRecord,
  nextRecord,
  type ProcessInput,
  type ProcessPhase,
  type ProcessRecord,
  type ProcessStreams,
} from '../../src/process/process-record.ts';

const STARTED = { time: 1_000_000, monotonic: 50 };

function recordWith(streams: ProcessStreams): ProcessRecord {
  return newRecord({
    id: 'p',
    pid: 7,
    argv: ['sh'],
    labels: new Map(),
    overflow: 'drop-oldest',
    retentionMs: 1,
    started: STARTED,
    streams,
    hasStdin: false,
  });
}

/** Inputs, but for their moments, which are those of their places. */
const inputs = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('end-asked' as const),
      cause: fc.constantFrom<EndReason>('timed-out', 'terminated', 'server-shutdown'),
    }),
    fc.record({
      kind: fc.constant('stream-over' as const),
      stream: fc.constantFrom<OutputStream>('stdout', 'stderr', 'terminal'),
      bytes: fc.nat(),
      complete: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('reaped' as const),
      end: fc.record({
        status: fc.oneof(fc.record({ code: fc.nat(255) }), fc.record({ signal: fc.nat(31) })),
        usage: fc.constant(undefined),
      }),
    }),
  ),
  { maxLength: 12 },
);

const streamSets = fc.constantFrom<ProcessStreams>(['terminal'], ['stdout'], ['stdout', 'stderr']);

/** An input before it is said when it came. */
type Untimed = ReturnType<typeof inputs.generate>['value'][number];

/** An input as the `i`th that comes. */
function timed(input: Untimed, i: number): ProcessInput {
  if (input.kind === 'end-asked') return input;
  return { ...input, at: { time: STARTED.time + i, monotonic: STARTED.monotonic + i } };
}

/** What a process is after all of a history, told from the whole of it and not step by step. */
function phaseAfter(streams: ProcessStreams, history: readonly ProcessInput[]): ProcessPhase {
  const own: readonly OutputStream[] = streams;
  const ends = own.flatMap((stream) => {
    const end = history.find((input) => input.kind === 'stream-over' && input.stream === stream);
    return end?.kind === 'stream-over' ? [end] : [];
  });
  const totals = Object.fromEntries(ends.map(({ bytes, stream }) => [stream, bytes]));
  const complete = ends.every((end) => end.complete);
  const [first, ...others] = own.filter((stream) => !(stream in totals));

  const death = history.findIndex(({ kind }) => kind === 'reaped');
  const lived = death < 0 ? history : history.slice(0, death);
  const asked = lived.find((input) => input.kind === 'end-asked');
  const endCause = asked?.kind === 'end-asked' ? asked.cause : undefined;
  const reaped = history[death];
  if (reaped?.kind !== 'reaped') {
    const open = first === undefined ? [] : [first, ...others];
    return { state: 'running', output: { open, totals, complete }, endCause };
  }

  const { end, at } = reaped;
  const exit = {
    status: end.status,
    usage: end.usage,
    reason: endCause ?? ('signal' in end.status ? 'signaled' : 'exited'),
    time: at.time,
    wallMs: at.monotonic - STARTED.monotonic,
  };
  if (first !== undefined) {
    return { state: 'exited', exit, output: { open: [first, ...others], totals, complete } };
  }
  const time = Math.max(at.time, ...ends.map((over) => over.at.time));
  return { state: 'closed', exit, closure: { time, totals, outputComplete: complete } };
}

/** Forbids any change of a value and of what it holds. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const held of Object.values(value)) freeze(held);
}

describe('the record of a process', () => {
  it('is what its whole history says, in whichever order that came', () => {
    fc.assert(
      fc.property(streamSets, inputs, (streams, happened) => {
        let record = recordWith(streams);
        const history: ProcessInput[] = [];
        for (const [i, input] of happened.entries()) {
          history.push(timed(input, i));
          freeze(record);
          record = nextRecord(record, timed(input, i));
          expect(record).toEqual({ ...recordWith(streams), phase: phaseAfter(streams, history) });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('stays the same one where nothing comes of what happened', () => {
    fc.assert(
      fc.property(streamSets, inputs, (streams, happened) => {
        let record = recordWith(streams);
        for (const [i, input] of happened.entries()) {
          record = nextRecord(record, timed(input, i));
          expect(nextRecord(record, timed(input, i + 1))).toBe(record);
        }
      }),
    );
  });
});
