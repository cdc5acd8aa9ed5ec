import { EndReason } from '../../gen/runlet/v1/event_pb.ts';
import { StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { Signal, SignalScope } from '../../gen/runlet/v1/signal_pb.ts';
import { ensureEqual, ensureFails } from '../assert.ts';
import type { Check } from '../check.ts';
import type { CheckContext, SpecInit } from '../context.ts';
import { exitedOf, statusOf, textOf } from '../event-reader.ts';

/** Says which signal it got, and ends with the second at the latest. */
const MEMBER = `trap 'echo member; exit' USR1; trap 'exit' USR2; echo ready
  while :; do sleep 1000 > /dev/null 2>&1 & wait $!; done`;

/**
 * Starts a member of its family, and when it is written to, ends it by SIGUSR2: a signal that
 * was sent to the member before is told before.
 */
function family(member: string): string {
  return `${member} & c=$!
    trap 'echo leader' USR1; echo ready
    read line || read line
    kill -USR2 $c; wait $c; exit 0`;
}

/** A family of a leader and a member in its group. */
export const IN_GROUP = family(`(${MEMBER})`);
const OUTSIDE = family(`setsid sh -c "${MEMBER.replaceAll('$', '\\$')}"`);

/** Who of a family got a signal. */
export async function reached(
  context: CheckContext,
  script: string,
  scope: SignalScope,
  spec: SpecInit = {},
): Promise<readonly string[]> {
  const target = await context.startShell(script, { ...spec, stdin: StdinMode.PIPE });
  const reader = context.watch(target);
  await reader.untilOutput('ready\nready\n');
  await context.processes.signalProcess({ ...target, signal: Signal.USR1, scope });
  await context.write(target, '\n');
  return textOf(await reader.rest())
    .split('\n')
    .filter(Boolean)
    .sort();
}

/** Signals, and whom they reach. */
export const signals: readonly Check[] = [
  {
    id: 'SIGNAL-01',
    title: 'A signal reaches the whole group of a process, by default',
    clause: 'SIGNAL_SCOPE_GROUP',
    async run(context) {
      for (const scope of [SignalScope.UNSPECIFIED, SignalScope.GROUP]) {
        const who = await reached(context, IN_GROUP, scope);
        ensureEqual(who, ['leader', 'member'], `whom ${SignalScope[scope]} reaches`);
      }
    },
  },
  {
    id: 'SIGNAL-02',
    title: '`SIGNAL_SCOPE_LEADER` reaches the process alone',
    clause: 'SIGNAL_SCOPE_LEADER',
    async run(context) {
      const who = await reached(context, IN_GROUP, SignalScope.LEADER);
      ensureEqual(who, ['leader'], 'whom it reaches');
    },
  },
  {
    id: 'SIGNAL-03',
    title: '`SIGNAL_SCOPE_TREE` reaches descendants in a session of their own, the group does not',
    clause: 'SIGNAL_SCOPE_TREE',
    needs: 'trees',
    async run(context) {
      const tree = await reached(context, OUTSIDE, SignalScope.TREE);
      ensureEqual(tree, ['leader', 'member'], 'whom the tree reaches');
      const group = await reached(context, OUTSIDE, SignalScope.GROUP);
      ensureEqual(group, ['leader'], 'whom the group reaches');
    },
  },
  {
    id: 'SIGNAL-04',
    title: 'A process that a client signals to death ends with that signal, and was not terminated',
    clause: 'SignalProcessRequest.signal',
    async run(context) {
      for (const signal of [Signal.KILL, Signal.HUP, Signal.TERM]) {
        const target = await context.startShell('exec sleep 1000');
        await context.processes.signalProcess({ ...target, signal });
        const exited = exitedOf(await context.eventsOf(target));
        ensureEqual(statusOf(exited), `signal ${signal}`, `the status after ${Signal[signal]}`);
        ensureEqual(exited.reason, EndReason.SIGNALED, `the reason after ${Signal[signal]}`);
      }
    },
  },
  {
    id: 'SIGNAL-05',
    title: 'Where nothing is left of a process there is nothing to signal',
    clause: 'ERROR_REASON_PROCESS_EXITED',
    async run(context) {
      const target = await context.startShell('true');
      await context.processes.waitProcess(target);
      for (const scope of [SignalScope.GROUP, SignalScope.LEADER, SignalScope.TREE]) {
        const call = context.processes.signalProcess({ ...target, signal: Signal.TERM, scope });
        await ensureFails(call, 'FAILED_PRECONDITION/PROCESS_EXITED', SignalScope[scope]);
      }
    },
  },
];
