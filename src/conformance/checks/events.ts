import { toBinary } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  OutputStream,
  type ProcessEvent,
  ProcessEventSchema,
} from '../../gen/runlet/v1/event_pb.ts';
import { StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { ensure, ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { bytesOf, closedOf, kindsOf, textOf } from '../event-reader.ts';

/** Bytes of one event of output at most. */
const MAX_EVENT_BYTES = 65_536;

/** The sequence of a process's events, and output in it. */
export const events: readonly Check[] = [
  {
    id: 'EVENT-01',
    title: 'Events are numbered from 1, and no number is left out',
    clause: 'ProcessEvent.seq',
    async run(context) {
      const all = await context.runShell('echo 1; echo 2 >&2; echo 3');
      ensureEqual(
        all.map(({ seq }) => seq),
        all.map((_, i) => BigInt(i + 1)),
        'the numbers',
      );
    },
  },
  {
    id: 'EVENT-02',
    title: 'Output bears its place in its own stream, with nothing between',
    clause: 'ProcessOutput.offset',
    async run(context) {
      const script = 'for i in 1 2 3; do echo "out $i"; echo "an error" >&2; done';
      const places = new Map<OutputStream, bigint>();
      for (const { event } of await context.runShell(script)) {
        if (event.case !== 'output') continue;
        const { data, offset, stream } = event.value;
        const place = places.get(stream) ?? 0n;
        ensureEqual(offset, place, `the offset in ${OutputStream[stream]}`);
        places.set(stream, place + BigInt(data.byteLength));
      }
    },
  },
  {
    id: 'EVENT-03',
    title: 'Standard output and standard error stay apart',
    clause: 'OutputStream',
    async run(context) {
      const all = await context.runShell('echo out; echo error >&2');
      ensureEqual(textOf(all, OutputStream.STDOUT), 'out\n', 'standard output');
      ensureEqual(textOf(all, OutputStream.STDERR), 'error\n', 'standard error');
    },
  },
  {
    id: 'EVENT-04',
    title: 'An event of output has 1 to 65,536 bytes',
    clause: 'ProcessOutput.data',
    async run(context) {
      const all = await context.runShell('head -c 300000 /dev/zero');
      for (const { event } of all) {
        if (event.case !== 'output') continue;
        const { byteLength } = event.value.data;
        ensure(byteLength >= 1 && byteLength <= MAX_EVENT_BYTES, `one has ${byteLength} bytes`);
      }
    },
  },
  {
    id: 'EVENT-05',
    title: 'Every byte arrives as it was written, whatever it means as text',
    clause: 'ProcessOutput.data',
    async run(context) {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const octal = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
      const all = await context.runShell(`printf '${octal}'`);
      ensureEqual(bytesOf(all).toString('hex'), bytes.toString('hex'), 'the bytes');
    },
  },
  {
    id: 'EVENT-06',
    title: 'What a process writes right before its end is not lost',
    clause: 'ProcessEvent',
    async run(context) {
      const lengths = await Promise.all(
        [1, 1000, 70_000, 200_000].map(async (length) => {
          const all = await context.runShell(`head -c ${length} /dev/zero; printf end`);
          return { length, all };
        }),
      );
      for (const { all, length } of lengths) {
        const bytes = bytesOf(all);
        ensureEqual(bytes.byteLength, length + 3, 'how many bytes came');
        ensureEqual(bytes.subarray(-3).toString(), 'end', 'the last of them');
        ensureEqual(closedOf(all).outputComplete, true, 'output_complete');
      }
    },
  },
  {
    id: 'EVENT-07',
    title: 'A stream goes on right after the event that it is asked to go on after',
    clause: 'WatchProcessRequest.after_seq',
    async run(context) {
      const target = await context.startShell('for i in 1 2 3 4; do echo $i; echo $i >&2; done');
      const all = await context.eventsOf(target);
      for (const { seq } of all) {
        const rest = await context.eventsOf(target, seq);
        ensureEqual(rest.map(encoded), all.slice(Number(seq)).map(encoded), `after ${seq}`);
      }
    },
  },
  {
    id: 'EVENT-08',
    title: 'A reader that comes late reads the same events as one that was there from the start',
    clause: 'ProcessService.WatchProcess',
    async run(context) {
      const target = await context.startShell('read line; echo "$line"; echo error >&2; exit 1', {
        stdin: StdinMode.PIPE,
      });
      const reader = context.watch(target);
      const first = await reader.untilKind('started');
      await context.write(target, 'a line\n');
      const live = [...first, ...(await reader.rest())];
      const late = await context.eventsOf(target);
      ensureEqual(late.map(encoded), live.map(encoded), 'the events as they are read again');
    },
  },
  {
    id: 'EVENT-09',
    title: 'Several readers at a time each read everything',
    clause: 'ProcessService.WatchProcess',
    async run(context) {
      const target = await context.startShell('read line; echo one; echo two >&2; echo three', {
        stdin: StdinMode.PIPE,
      });
      const readers = [context, context.otherClients(), context].map(({ processes }) =>
        collectOf(processes.watchProcess(target)),
      );
      await context.write(target, 'go\n');
      const [first, ...others] = await Promise.all(readers);
      ensureEqual(textOf(first ?? []), 'one\nthree\n', 'standard output');
      for (const other of others) {
        ensureEqual(other.map(encoded), first?.map(encoded), 'what another reader got');
      }
    },
  },
  {
    id: 'EVENT-10',
    title: 'Every event bears a time, and none lies before that of the event before it',
    clause: 'ProcessEvent.time',
    async run(context) {
      const times = (await context.runShell('echo 1; echo 2 >&2')).map(({ seq, time }) => {
        ensure(time !== undefined, `event ${seq} has no time`);
        return timestampMs(time);
      });
      ensureEqual(
        times,
        times.toSorted((a, b) => a - b),
        'the times',
      );
    },
  },
  {
    id: 'EVENT-11',
    title: 'To go on after an event that does not exist yet is refused, and says which is the last',
    clause: 'ERROR_REASON_SEQ_BEYOND_END',
    async run(context) {
      const target = await context.startShell('true');
      const last = (await context.eventsOf(target)).length;
      const { info } = await ensureFails(
        context.eventsOf(target, BigInt(last + 1)),
        'OUT_OF_RANGE/SEQ_BEYOND_END',
        'a watch beyond the end',
      );
      ensureEqual(info?.metadata['last_seq'], String(last), 'the metadata last_seq');
      ensureEqual(await context.eventsOf(target, BigInt(last)), [], 'a watch from the end');
    },
  },
  {
    id: 'EVENT-12',
    title: '`stdin_closed` tells the end of standard input, once, where there is a pipe for it',
    clause: 'StdinClosed',
    async run(context) {
      const target = await context.startShell('cat; read line; echo end', {
        stdin: StdinMode.PIPE,
      });
      await context.write(target, 'x', { eof: true });
      const kinds = (await context.eventsOf(target)).map(({ event }) => event.case);
      ensureEqual(kinds.filter((kind) => kind === 'stdinClosed').length, 1, 'how often it came');
      const without = await context.runShell('cat');
      ensureEqual(kindsOf(without), ['started', 'exited', 'closed'], 'the events without a pipe');
    },
  },
];

function encoded(event: ProcessEvent): string {
  return Buffer.from(toBinary(ProcessEventSchema, event)).toString('hex');
}

async function collectOf(
  responses: AsyncIterable<{ readonly events: readonly ProcessEvent[] }>,
): Promise<ProcessEvent[]> {
  const all: ProcessEvent[] = [];
  for await (const response of responses) all.push(...response.events);
  return all;
}
