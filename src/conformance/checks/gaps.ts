import type { OutputStream, ProcessEvent } from '../../gen/runlet/v1/event_pb.ts';
import { Overflow, ProcessState, StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { ensure, ensureEqual } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckContext, Target } from '../context.ts';
import { bytesOf, closedOf, gapsOf, kindsOf } from '../event-reader.ts';

/** So little is retained that most of what the processes here write is dropped. */
const RETAINED_BYTES = 4096n;

/** Writes 40,000 bytes to standard output and 20,000 to standard error, alternately. */
const WRITER = `i=0; while [ $i -lt 20 ]; do
  head -c 2000 /dev/zero; head -c 1000 /dev/zero >&2; i=$((i + 1)); done`;

/** A process that wrote more than is retained, and is closed. */
async function startWriter(context: CheckContext): Promise<Target> {
  const target = await context.startShell(`read line; ${WRITER}`, {
    stdin: StdinMode.PIPE,
    output: { retainedBytes: RETAINED_BYTES },
  });
  await context.write(target, '\n', { eof: true });
  await context.processes.waitProcess(target);
  return target;
}

/** Output that is no longer retained. */
export const gaps: readonly Check[] = [
  {
    id: 'GAP-01',
    title: 'Gaps and output beside them add up to every byte, without an overlap',
    clause: 'OutputGap.ranges',
    async run(context) {
      const all = await context.eventsOf(await startWriter(context));
      ensure(gapsOf(all).length > 0, 'nothing was dropped');
      const places = new Map<OutputStream, bigint>();
      const advance = (stream: OutputStream, offset: bigint, length: bigint): void => {
        ensureEqual(offset, places.get(stream) ?? 0n, `where a piece of stream ${stream} begins`);
        places.set(stream, offset + length);
      };
      for (const { event } of all) {
        if (event.case === 'output') {
          const { data, offset, stream } = event.value;
          advance(stream, offset, BigInt(data.byteLength));
        } else if (event.case === 'gap') {
          for (const { length, offset, stream } of event.value.ranges) {
            advance(stream, offset, length);
          }
        }
      }
      for (const { bytes, stream } of closedOf(all).totals) {
        ensureEqual(places.get(stream), bytes, `the sum of stream ${stream}`);
      }
    },
  },
  {
    id: 'GAP-02',
    title: 'No more output is kept than `retained_bytes` says',
    clause: 'OutputPolicy.retained_bytes',
    async run(context) {
      const all = await context.eventsOf(await startWriter(context));
      const kept = all.reduce(
        (sum, { event }) => sum + (event.case === 'output' ? event.value.data.byteLength : 0),
        0,
      );
      ensure(kept <= Number(RETAINED_BYTES), `${kept} bytes of output were kept`);
    },
  },
  {
    id: 'GAP-03',
    title: 'A gap bears the number of the last event that it stands for',
    clause: 'OutputGap',
    async run(context) {
      const all = await context.eventsOf(await startWriter(context));
      for (const [i, { event, seq }] of all.entries()) {
        const before = all[i - 1]?.seq ?? 0n;
        if (event.case === 'gap') ensure(seq > before, `gap ${seq} comes after event ${before}`);
        else ensureEqual(seq, before + 1n, 'the number after an event or a gap');
      }
    },
  },
  {
    id: 'GAP-04',
    title: 'To go on after a gap is to go on with what came after it',
    clause: 'ProcessEvent.seq',
    async run(context) {
      const target = await startWriter(context);
      const all = await context.eventsOf(target);
      const place = all.findIndex(({ event }) => event.case === 'gap');
      const gap = all[place];
      ensure(gap !== undefined, 'nothing was dropped');
      const numbers = (events: readonly ProcessEvent[]): bigint[] => events.map(({ seq }) => seq);
      const rest = await context.eventsOf(target, gap.seq);
      ensureEqual(numbers(rest), numbers(all.slice(place + 1)), 'the events after the gap');
    },
  },
  {
    id: 'GAP-05',
    title: 'Only output is dropped: all other events stay',
    clause: 'OutputGap',
    async run(context) {
      const all = await context.eventsOf(await startWriter(context));
      const kinds = kindsOf(all).filter((kind) => kind !== 'output' && kind !== 'gap');
      ensureEqual(kinds, ['started', 'stdinClosed', 'exited', 'closed'], 'the other events');
    },
  },
  {
    id: 'GAP-06',
    title: 'With `OVERFLOW_PAUSE` a process waits for a reader, and nothing is dropped',
    clause: 'OVERFLOW_PAUSE',
    async run(context) {
      const target = await context.startShell('head -c 200000 /dev/zero', {
        output: { retainedBytes: RETAINED_BYTES, overflow: Overflow.PAUSE },
      });
      for (let i = 0; i < ANSWERS; i++) {
        const { state } = await context.get(target);
        ensureEqual(state, ProcessState.RUNNING, 'the state of one that nobody reads');
      }
      const all = await context.eventsOf(target);
      ensureEqual(gapsOf(all), [], 'the gaps');
      ensureEqual(bytesOf(all).byteLength, 200_000, 'how many bytes came');
    },
  },
];

/** For so many answers it is looked at whether the process goes on. */
const ANSWERS = 10;
