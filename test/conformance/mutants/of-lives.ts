import { create } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import {
  EndReason,
  type ExitStatus,
  OutputStream,
  ProcessEventSchema,
} from '../../../src/gen/runlet/v1/event_pb.ts';
import { ProcessState, WaitUntil } from '../../../src/gen/runlet/v1/process_pb.ts';
import type { Signal } from '../../../src/gen/runlet/v1/signal_pb.ts';
import { onEachEvent, onEvents, onProcesses, onRequests } from './hooks.ts';
import type { Mutant } from './mutant.ts';
import type { Services } from './services.ts';

interface End {
  readonly status?: ExitStatus | undefined;
  reason: EndReason;
}

/** Changes how each end is told, in events and in processes. */
function onEnds(real: Services, change: (end: End) => void): Services {
  const inEvents = onEachEvent(real, ({ event }) => {
    if (event.case === 'exited') change(event.value);
  });
  return onProcesses(inEvents, (process) => {
    if (process.status !== undefined) change(process);
  });
}

/** The life of a process. */
export const ofLives: readonly Mutant[] = [
  {
    fault: 'an exit code above 128 is told as a signal',
    fails: ['LIFE-01'],
    mutate: (real) =>
      onEnds(real, ({ status }) => {
        const { status: end } = status ?? {};
        if (status && end?.case === 'code' && end.value > 128) {
          status.status = { case: 'signal', value: (end.value - 128) as Signal };
        }
      }),
  },
  {
    fault: 'an end by a signal is told as 128 and its number',
    fails: ['START-06', 'LIFE-02', 'LIFE-11', 'SIGNAL-04', 'END-02', 'END-03', 'INTERACT-05'],
    mutate: (real) =>
      onEnds(real, ({ status }) => {
        const { status: end } = status ?? {};
        if (status && end?.case === 'signal') {
          status.status = { case: 'code', value: 128 + end.value };
        }
      }),
  },
  {
    fault: 'the reason of an end by a signal is `EXITED`',
    fails: ['LIFE-02', 'SIGNAL-04'],
    mutate: (real) =>
      onEnds(real, (end) => {
        if (end.reason === EndReason.SIGNALED) end.reason = EndReason.EXITED;
      }),
  },
  {
    fault: '`closed` comes right after `exited`, and output that comes later is lost',
    fails: [
      'LIFE-04',
      'LIFE-05',
      'LIFE-07',
      'LIFE-10',
      'EVENT-07',
      'READ-04',
      'GAP-01',
      'RETAIN-05',
    ],
    // Where output is read before the exit is told, none is lost.
    perhaps: ['RUN-03'],
    mutate: (real) =>
      onEvents(real, () => {
        let over = false;
        return (event) => {
          if (over) return [];
          over = event.event.case === 'exited';
          if (!over) return [event];
          const totals = [OutputStream.STDOUT].map((stream) => ({ stream, bytes: 0n }));
          const closed = create(ProcessEventSchema, {
            seq: event.seq + 1n,
            event: { case: 'closed', value: { totals, outputComplete: true } },
          });
          if (event.time) closed.time = event.time;
          return [event, closed];
        };
      }),
  },
  {
    fault: '`closed` comes twice',
    fails: [
      'LIFE-03',
      'EVENT-01',
      'EVENT-07',
      'EVENT-11',
      'READ-04',
      'READ-05',
      'GAP-03',
      'BEAT-03',
    ],
    mutate: (real) =>
      onEvents(real, () => (event) => (event.event.case === 'closed' ? [event, event] : [event])),
  },
  {
    fault: 'a process whose output is held is told to run',
    fails: ['LIFE-04', 'LIFE-12'],
    mutate: (real) =>
      onProcesses(real, (process) => {
        if (process.state === ProcessState.EXITED) process.state = ProcessState.RUNNING;
      }),
  },
  {
    fault: 'the total of standard error is missing in `closed`',
    fails: ['LIFE-05', 'LIFE-07'],
    mutate: (real) =>
      onEachEvent(real, ({ event }) => {
        if (event.case !== 'closed') return;
        event.value.totals = event.value.totals.filter(
          ({ stream }) => stream !== OutputStream.STDERR,
        );
      }),
  },
  {
    fault: 'a running process has an exit time',
    fails: ['LIFE-06'],
    mutate: (real) =>
      onProcesses(real, (process) => {
        process.exitTime ??= timestampNow();
      }),
  },
  {
    fault: '`Process` has no usage',
    fails: ['LIFE-07'],
    mutate: (real) =>
      onProcesses(real, (process) => {
        delete process.usage;
      }),
  },
  {
    fault: '`has_stdin` is false when standard input is closed',
    fails: ['LIFE-08', 'TERM-07'],
    mutate: (real) =>
      onProcesses(real, (process) => {
        if (process.state !== ProcessState.RUNNING) process.hasStdin = false;
      }),
  },
  {
    fault: '`exited` has no wall time',
    fails: ['LIFE-07', 'LIFE-09'],
    mutate: (real) =>
      onEachEvent(real, ({ event }) => {
        if (event.case === 'exited') delete event.value.usage?.wallTime;
      }),
  },
  {
    fault: 'output that was given up is told to be complete',
    fails: ['LIFE-10'],
    mutate: (real) =>
      onEachEvent(real, ({ event }) => {
        if (event.case === 'closed') event.value.outputComplete = true;
      }),
  },
  {
    fault: 'the reason of a timeout is `TERMINATED`',
    fails: ['LIFE-11'],
    mutate: (real) =>
      onEnds(real, (end) => {
        if (end.reason === EndReason.TIMED_OUT) end.reason = EndReason.TERMINATED;
      }),
  },
  {
    fault: 'a wait for the exit is over with the closing',
    fails: ['LIFE-12'],
    mutate: (real) =>
      onRequests(real, ['waitProcess'], (request) => {
        if (request.until === WaitUntil.EXITED) request.until = WaitUntil.CLOSED;
      }),
  },
  {
    fault: 'a wait for the closing is over with the exit',
    fails: ['LIFE-13'],
    mutate: (real) =>
      onRequests(real, ['waitProcess'], (request) => {
        if (request.until === WaitUntil.CLOSED) request.until = WaitUntil.EXITED;
      }),
  },
  {
    fault: 'labels of processes are lost',
    fails: ['LIFE-14'],
    mutate: (real) =>
      onProcesses(real, (process) => {
        process.labels = {};
      }),
  },
];
