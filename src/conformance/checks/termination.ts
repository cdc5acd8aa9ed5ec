import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { EndReason } from '../../gen/runlet/v1/event_pb.ts';
import { ProcessState } from '../../gen/runlet/v1/process_pb.ts';
import { Signal, SignalScope } from '../../gen/runlet/v1/signal_pb.ts';
import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import { ZERO } from '../context.ts';
import { exitedOf, kindsOf, statusOf, textOf } from '../event-reader.ts';
import { startHeld } from './lifecycle.ts';

const GONE = 'FAILED_PRECONDITION/PROCESS_EXITED';

/** A grace that no process here uses up. */
const LONG_GRACE = durationFromMs(60_000);

/** Ignores SIGTERM. */
const STUBBORN = "trap '' TERM; echo ready; while :; do sleep 1000; done";

/**
 * Does something when it gets SIGTERM. What it waits for was begun before: a child that a shell begins
 * with a trap may take the signal for its own, and lose it.
 */
function waiting(action: string): string {
  return `sleep 1000 > /dev/null 2>&1 & trap '${action}' TERM; echo ready
    while :; do wait $!; done`;
}

/** `TerminateProcess`. */
export const termination: readonly Check[] = [
  {
    id: 'END-01',
    title: 'A process is asked by SIGTERM first, and what it still writes is delivered',
    clause: 'ProcessService.TerminateProcess',
    async run(context) {
      const script = waiting('echo bye; exit 9');
      const target = await context.startShell(script);
      const reader = context.watch(target);
      await reader.untilOutput('ready\n');
      const { wasRunning } = await context.processes.terminateProcess({
        ...target,
        grace: LONG_GRACE,
      });
      const rest = await reader.rest();
      ensureEqual(wasRunning, true, 'was_running');
      ensureEqual(textOf(rest), 'bye\n', 'what it wrote in the end');
      ensureEqual(statusOf(exitedOf(rest)), 'code 9', 'the status');
      ensureEqual(exitedOf(rest).reason, EndReason.TERMINATED, 'the reason');
    },
  },
  {
    id: 'END-02',
    title: 'A process that ignores SIGTERM is killed when the grace is over',
    clause: 'TerminateProcessRequest.grace',
    async run(context) {
      for (const grace of [durationFromMs(20), ZERO]) {
        const target = await context.startShell(STUBBORN);
        const reader = context.watch(target);
        await reader.untilOutput('ready\n');
        const { process } = await context.processes.terminateProcess({ ...target, grace });
        ensureEqual(process?.status?.status.value, Signal.KILL, 'the signal in the answer');
        ensureEqual(exitedOf(await reader.rest()).reason, EndReason.TERMINATED, 'the reason');
      }
    },
  },
  {
    id: 'END-03',
    title: 'A second call with a shorter grace shortens that of the first',
    clause: 'ProcessService.TerminateProcess',
    async run(context) {
      const target = await context.startShell(STUBBORN);
      await context.watch(target).untilOutput('ready\n');
      const { processes } = context;
      const first = processes.terminateProcess({ ...target, grace: LONG_GRACE });
      await context.get(target);
      const second = await processes.terminateProcess({ ...target, grace: ZERO });
      ensureEqual(second.process?.status?.status.value, Signal.KILL, 'the end, to the second');
      ensureEqual((await first).process?.status?.status.value, Signal.KILL, 'and to the first');
    },
  },
  {
    id: 'END-04',
    title: 'What a process left behind when it exited is ended',
    clause: 'ProcessService.TerminateProcess',
    async run(context) {
      const { reader, target } = await startHeld(context);
      const { processes } = context;
      const { wasRunning } = await processes.terminateProcess({ ...target, grace: LONG_GRACE });
      ensureEqual(wasRunning, false, 'was_running of one that exited');
      const signal = processes.signalProcess({ ...target, signal: Signal.USR1 });
      await ensureFails(signal, GONE, 'to signal what is left');
      const rest = await reader.rest();
      ensureEqual(kindsOf(rest), ['closed'], 'the events that follow');
    },
  },
  {
    id: 'END-05',
    title: 'Descendants in a session of their own are ended too, unless `scope` says less',
    clause: 'TerminateProcessRequest.scope',
    needs: 'trees',
    async run(context) {
      const script = 'setsid sh -c "echo ready; exec sleep 1000" & exec sleep 1000';
      const signal = Signal.CONT;
      const scope = SignalScope.TREE;
      for (const ended of [SignalScope.GROUP, SignalScope.UNSPECIFIED]) {
        const target = await context.startShell(script);
        await context.watch(target).untilOutput('ready\n');
        const { processes } = context;
        await processes.terminateProcess({ ...target, grace: LONG_GRACE, scope: ended });
        const left = processes.signalProcess({ ...target, signal, scope });
        if (ended === SignalScope.GROUP) await left;
        else await ensureFails(left, GONE, 'to signal the tree that was ended');
      }
    },
  },
  {
    id: 'END-06',
    title: 'To terminate a process that is closed does nothing, and says how it ended',
    clause: 'TerminateProcessResponse.was_running',
    async run(context) {
      const target = await context.startShell('exit 4');
      await context.processes.waitProcess(target);
      const { process, wasRunning } = await context.processes.terminateProcess(target);
      ensureEqual(wasRunning, false, 'was_running');
      ensureEqual(process?.state, ProcessState.CLOSED, 'the state');
      ensureEqual(process?.reason, EndReason.EXITED, 'the reason');
    },
  },
  {
    id: 'END-07',
    title: 'A process that is stopped acts on SIGTERM when it is terminated',
    clause: 'ProcessService.TerminateProcess',
    async run(context) {
      const script = waiting('exit 9');
      const target = await context.startShell(script);
      const reader = context.watch(target);
      await reader.untilOutput('ready\n');
      await context.processes.signalProcess({ ...target, signal: Signal.STOP });
      await context.processes.terminateProcess({ ...target, grace: LONG_GRACE });
      ensureEqual(statusOf(exitedOf(await reader.rest())), 'code 9', 'the status');
    },
  },
];
