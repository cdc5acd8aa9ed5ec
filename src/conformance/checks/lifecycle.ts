import { durationFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { EndReason, OutputStream } from '../../gen/runlet/v1/event_pb.ts';
import { ProcessState, StdinMode, WaitUntil } from '../../gen/runlet/v1/process_pb.ts';
import { Signal, SignalScope } from '../../gen/runlet/v1/signal_pb.ts';
import { ensure, ensureEqual } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, type SpecInit, type Target, ZERO } from '../context.ts';
import {
  closedOf,
  type EventReader,
  exitedOf,
  kindsOf,
  statusOf,
  textOf,
} from '../event-reader.ts';

/**
 * A script that exits with 7 when it is written to, and leaves a child that holds standard
 * output and, when its group gets SIGUSR1, writes to it and ends.
 */
const HOLDER = `(trap 'echo late; exit' USR1; echo ready
  while :; do sleep 1000 > /dev/null 2>&1 & wait $!; done) &
  read line; exit 7`;

/** A process that has exited while a child of it holds its output. */
export interface Held {
  readonly target: Target;
  /** Stands after `exited`. */
  readonly reader: EventReader;
  /** Lets the child write `late` and end. */
  release(): Promise<void>;
}

/** Starts a process, and lets it exit while a child holds its output. */
export async function startHeld(context: CheckContext, spec: SpecInit = {}): Promise<Held> {
  const target = await context.startShell(HOLDER, { stdin: StdinMode.PIPE, ...spec });
  const reader = context.watch(target);
  await reader.untilOutput('ready\n');
  await context.write(target, 'go\n');
  await reader.untilKind('exited');
  const release = async (): Promise<void> => {
    const scope = SignalScope.GROUP;
    await context.processes.signalProcess({ ...target, signal: Signal.USR1, scope });
  };
  return { target, reader, release };
}

/** From the start to the closing of the output. */
export const lifecycle: readonly Check[] = [
  {
    id: 'LIFE-01',
    title: 'An exit code is told as it is, with the reason `EXITED`',
    clause: 'ExitStatus.code',
    async run(context) {
      for (const code of [0, 7, 127, 137, 255]) {
        const exited = exitedOf(await context.runShell(`exit ${code}`));
        ensureEqual(statusOf(exited), `code ${code}`, `the status of exit ${code}`);
        ensureEqual(exited.reason, EndReason.EXITED, `the reason of exit ${code}`);
      }
    },
  },
  {
    id: 'LIFE-02',
    title: 'An end by a signal is told as that signal, with the reason `SIGNALED`',
    clause: 'END_REASON_SIGNALED',
    async run(context) {
      const exited = exitedOf(await context.runShell('kill -KILL $$'));
      ensureEqual(statusOf(exited), `signal ${Signal.KILL}`, 'the status');
      ensureEqual(exited.reason, EndReason.SIGNALED, 'the reason');
    },
  },
  {
    id: 'LIFE-03',
    title: '`started` comes first, `exited` and then `closed` last, each once',
    clause: 'ProcessEvent',
    async run(context) {
      const events = await context.runShell('echo out');
      const kinds = events.map(({ event }) => event.case);
      ensureEqual(kinds, ['started', 'output', 'exited', 'closed'], 'the kinds');
    },
  },
  {
    id: 'LIFE-04',
    title: 'A process whose output a child holds is `EXITED`, and what the child writes comes',
    clause: 'PROCESS_STATE_EXITED',
    async run(context) {
      const { reader, release, target } = await startHeld(context);
      ensureEqual((await context.get(target)).state, ProcessState.EXITED, 'the state meanwhile');
      await release();
      const late = await reader.rest();
      ensureEqual(textOf(late), 'late\n', 'the output after `exited`');
      ensureEqual(kindsOf(late), ['output', 'closed'], 'the events after `exited`');
      ensureEqual((await context.get(target)).state, ProcessState.CLOSED, 'the state in the end');
    },
  },
  {
    id: 'LIFE-05',
    title: '`closed` tells how many bytes came from each stream, and that none are missing',
    clause: 'ProcessClosed',
    async run(context) {
      const script = 'printf 12345; printf 123 >&2';
      const { outputComplete, totals } = closedOf(await context.runShell(script));
      const sums = totals.map(({ bytes, stream }) => `${OutputStream[stream]} ${bytes}`);
      ensureEqual(sums.sort(), ['STDERR 3', 'STDOUT 5'], 'the totals');
      ensureEqual(outputComplete, true, 'output_complete');
    },
  },
  {
    id: 'LIFE-06',
    title: '`Process` tells of a running process that it runs, and nothing of an end',
    clause: 'Process',
    async run(context) {
      const target = await context.startShell('read line', { stdin: StdinMode.PIPE });
      const process = await context.get(target);
      ensureEqual(process.state, ProcessState.RUNNING, 'state');
      ensure(process.startTime, 'start_time is absent');
      const { closeTime, exitTime, outputComplete, reason, status, totals, usage } = process;
      ensureEqual(
        { closeTime, exitTime, outputComplete, reason, status, totals, usage },
        {
          closeTime: undefined,
          exitTime: undefined,
          outputComplete: false,
          reason: EndReason.UNSPECIFIED,
          status: undefined,
          totals: [],
          usage: undefined,
        },
        'what is told of its end',
      );
    },
  },
  {
    id: 'LIFE-07',
    title: '`Process` tells of a closed process what its events told',
    clause: 'Process',
    async run(context) {
      const target = await context.startShell('printf 12345; exit 3');
      const events = await context.eventsOf(target);
      const exited = exitedOf(events);
      const closed = closedOf(events);
      const process = await context.get(target);
      ensureEqual(process.state, ProcessState.CLOSED, 'state');
      ensureEqual(process.status, exited.status, 'status');
      ensureEqual(process.reason, exited.reason, 'reason');
      ensureEqual(process.usage, exited.usage, 'usage');
      ensureEqual(process.totals, closed.totals, 'totals');
      ensureEqual(process.outputComplete, closed.outputComplete, 'output_complete');
      ensureEqual(process.lastSeq, events.at(-1)?.seq, 'last_seq');
      const { closeTime, exitTime, startTime } = process;
      ensure(startTime && exitTime && closeTime, 'a time is absent');
      const times = [startTime, exitTime, closeTime].map(timestampMs);
      ensureEqual(
        times,
        times.toSorted((a, b) => a - b),
        'start, exit and close time',
      );
    },
  },
  {
    id: 'LIFE-08',
    title: '`has_stdin` tells whether a process was started with a pipe for its standard input',
    clause: 'Process.has_stdin',
    async run(context) {
      const without = await context.startShell('true');
      const piped = await context.startShell('true', { stdin: StdinMode.PIPE });
      await context.processes.waitProcess(piped);
      ensureEqual((await context.get(without)).hasStdin, false, 'without a pipe');
      ensureEqual((await context.get(piped)).hasStdin, true, 'with a pipe, after its end');
      ensureEqual((await context.get(piped)).hasTerminal, false, 'has_terminal');
    },
  },
  {
    id: 'LIFE-09',
    title: 'The wall time of a process is told with its exit',
    clause: 'ResourceUsage.wall_time',
    async run(context) {
      const { usage } = exitedOf(await context.runShell('true'));
      ensure(usage?.wallTime !== undefined, 'usage.wall_time is absent');
    },
  },
  {
    id: 'LIFE-10',
    title: 'Output that is held beyond `drain_timeout` is given up, and `closed` says so',
    clause: 'ProcessSpec.drain_timeout',
    async run(context) {
      const { reader, target } = await startHeld(context, { drainTimeout: ZERO });
      ensureEqual(closedOf(await reader.rest()).outputComplete, false, 'output_complete');
      ensureEqual((await context.get(target)).outputComplete, false, 'Process.output_complete');
    },
  },
  {
    id: 'LIFE-11',
    title: 'A process that runs longer than its `timeout` is ended, with the reason `TIMED_OUT`',
    clause: 'END_REASON_TIMED_OUT',
    async run(context) {
      const timeout = durationFromMs(20);
      const exited = exitedOf(await context.runShell('exec sleep 1000', { timeout }));
      ensureEqual(exited.reason, EndReason.TIMED_OUT, 'the reason');
      ensureEqual(statusOf(exited), `signal ${Signal.TERM}`, 'the status');
    },
  },
  {
    id: 'LIFE-12',
    title: '`WAIT_UNTIL_EXITED` is over with the exit, while output is still held',
    clause: 'WAIT_UNTIL_EXITED',
    async run(context) {
      const { release, target } = await startHeld(context);
      const waited = context.processes.waitProcess({ ...target, until: WaitUntil.EXITED });
      const { process } = await Promise.race([waited, releasedAfterAnswers(context, release)]);
      ensureEqual(process?.state, ProcessState.EXITED, 'the state that was waited for');
    },
  },
  {
    id: 'LIFE-13',
    title: '`WAIT_UNTIL_CLOSED`, the default, is over when the output is closed',
    clause: 'WAIT_UNTIL_CLOSED',
    async run(context) {
      const { release, target } = await startHeld(context);
      const waits = [WaitUntil.UNSPECIFIED, WaitUntil.CLOSED].map((until) =>
        context.processes.waitProcess({ ...target, until }),
      );
      await context.get(target);
      await release();
      for (const { process } of await Promise.all(waits)) {
        ensureEqual(process?.state, ProcessState.CLOSED, 'the state that was waited for');
      }
    },
  },
  {
    id: 'LIFE-14',
    title: '`labels` and `argv` are kept with a process',
    clause: 'Process.labels',
    async run(context) {
      const argv = ['/bin/sh', '-c', 'true', 'an argument'];
      const labels = { team: 'blue', 'empty label': '' };
      const process = await context.get(await context.start(argv, { labels }));
      ensureEqual(process.argv, argv, 'argv');
      ensureEqual({ ...process.labels }, labels, 'labels');
    },
  },
];

/** How many answers a server that does not hold up a call has time for. */
const ANSWERS = 20;

/** Lets go what a wait must not wait for, after a while that is counted in answers of the server. */
async function releasedAfterAnswers(
  context: CheckContext,
  release: () => Promise<void>,
): Promise<{ readonly process: undefined }> {
  const target = await context.startShell('true');
  for (let i = 0; i < ANSWERS; i++) await context.get(target);
  await release();
  return { process: undefined };
}
