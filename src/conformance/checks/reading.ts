import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { ProcessEvent } from '../../gen/runlet/v1/event_pb.ts';
import { ProcessState, StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { ensure, ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { LONG_WAIT } from '../context.ts';
import { kindsOf, textOf } from '../event-reader.ts';

/** More than a process may read: an event of output has fewer. */
const MANY_EVENTS = 1000;

/** `ReadProcess`, for clients that hold no stream open. */
export const reading: readonly Check[] = [
  {
    id: 'READ-01',
    title: 'A read returns what there is, and after which event to read on',
    clause: 'ReadProcessResponse.next_after_seq',
    async run(context) {
      const target = await context.startShell('echo out; exit 2');
      await context.processes.waitProcess(target);
      const { events, nextAfterSeq, process } = await context.processes.readProcess(target);
      ensureEqual(kindsOf(events), ['started', 'output', 'exited', 'closed'], 'the events');
      ensureEqual(nextAfterSeq, events.at(-1)?.seq, 'next_after_seq');
      ensureEqual(process?.state, ProcessState.CLOSED, 'the state that is told along');
    },
  },
  {
    id: 'READ-02',
    title: 'A read that waits returns with the first event that comes',
    clause: 'ReadProcessRequest.wait',
    async run(context) {
      const target = await context.startShell('read line; echo "got $line"; read line', {
        stdin: StdinMode.PIPE,
      });
      const request = { ...target, afterSeq: 1n, wait: LONG_WAIT };
      const polled = context.processes.readProcess(request);
      await context.get(target);
      await context.write(target, 'x\n');
      ensureEqual(textOf((await polled).events), 'got x\n', 'what the read returned');
    },
  },
  {
    id: 'READ-03',
    title: 'A read whose wait is over returns no events, and the place where it stood',
    clause: 'ProcessService.ReadProcess',
    async run(context) {
      const target = await context.startShell('read line', { stdin: StdinMode.PIPE });
      for (const wait of [undefined, durationFromMs(30)]) {
        const request = { ...target, afterSeq: 1n, ...(wait && { wait }) };
        const { events, nextAfterSeq } = await context.processes.readProcess(request);
        ensureEqual(events, [], 'the events');
        ensureEqual(nextAfterSeq, 1n, 'next_after_seq');
      }
    },
  },
  {
    id: 'READ-04',
    title: 'A read returns no more than `max_bytes`, but always an event',
    clause: 'ReadProcessRequest.max_bytes',
    async run(context) {
      const target = await context.startShell('for i in 1 2 3; do echo $i; echo $i >&2; done');
      const all = await context.eventsOf(target);
      const read: ProcessEvent[] = [];
      for (let i = 0; i < MANY_EVENTS; i++) {
        const afterSeq = read.at(-1)?.seq ?? 0n;
        const request = { ...target, afterSeq, maxBytes: 1 };
        const { events } = await context.processes.readProcess(request);
        if (events.length === 0) break;
        ensureEqual(events.length, 1, 'how many events one byte gives');
        read.push(...events);
      }
      ensureEqual(read, all, 'what was read one by one');
    },
  },
  {
    id: 'READ-05',
    title:
      'A read after the last event of a closed process returns at once, however long it may wait',
    clause: 'ProcessService.ReadProcess',
    async run(context) {
      const target = await context.startShell('true');
      const afterSeq = BigInt((await context.eventsOf(target)).length);
      const request = { ...target, afterSeq, wait: LONG_WAIT };
      const { events, process } = await context.processes.readProcess(request);
      ensureEqual(events, [], 'the events');
      ensureEqual(process?.state, ProcessState.CLOSED, 'the state');
    },
  },
  {
    id: 'READ-06',
    title: 'Reads one after the other give what a stream gives',
    clause: 'ProcessService.ReadProcess',
    async run(context) {
      const target = await context.startShell('for i in 1 2 3 4 5 6; do read line; echo $i; done', {
        stdin: StdinMode.PIPE,
      });
      const read: ProcessEvent[] = [];
      let afterSeq = 0n;
      for (let i = 0; i < MANY_EVENTS; i++) {
        const polled = context.processes.readProcess({ ...target, afterSeq, wait: LONG_WAIT });
        if (i < 6) await context.write(target, '\n');
        const { events, nextAfterSeq } = await polled;
        read.push(...events);
        ensure(nextAfterSeq >= afterSeq, 'next_after_seq went back');
        afterSeq = nextAfterSeq;
        if (events.at(-1)?.event.case === 'closed') break;
      }
      ensureEqual(textOf(read), '1\n2\n3\n4\n5\n6\n', 'the output');
      ensureEqual(read, await context.eventsOf(target), 'the events');
    },
  },
  {
    id: 'READ-07',
    title: 'A read beyond the last event is refused',
    clause: 'ERROR_REASON_SEQ_BEYOND_END',
    async run(context) {
      const target = await context.startShell('read line', { stdin: StdinMode.PIPE });
      await ensureFails(
        context.processes.readProcess({ ...target, afterSeq: 1000n, wait: LONG_WAIT }),
        'OUT_OF_RANGE/SEQ_BEYOND_END',
        'a read after event 1000 of a process that has one',
      );
    },
  },
];
