import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { ProcessState, StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { ensure, ensureAllFail, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, specOf, type Target, ZERO } from '../context.ts';
import { EventReader, kindsOf, textOf } from '../event-reader.ts';
import { startHeld } from './lifecycle.ts';

/** Runs a process that is not retained, and waits until it is evicted, as an attachment tells. */
async function startEvicted(
  context: CheckContext,
  processId: string,
  requestId = '',
): Promise<Target> {
  const { sessionId } = context;
  const attachment = await context.attach();
  const spec = specOf(['/bin/sh', '-c', 'true'], { retention: ZERO });
  await context.processes.startProcess({ sessionId, processId, requestId, spec });
  for (;;) {
    const event = await attachment.next();
    ensure(event !== undefined, 'the attached stream ended before the process was evicted');
    if (event.case === 'processEvicted') break;
  }
  await attachment.detach();
  return { sessionId, processId };
}

/** How long a process can be read after its end. */
export const retention: readonly Check[] = [
  {
    id: 'RETAIN-01',
    title: 'A closed process can be read for its retention, from another connection too',
    clause: 'ProcessSpec.retention',
    async run(context) {
      const target = await context.startShell('echo out', { retention: durationFromMs(60_000) });
      await context.processes.waitProcess(target);
      const watched = context.otherClients().processes.watchProcess(target);
      const all = await new EventReader(watched).rest();
      ensureEqual(textOf(all), 'out\n', 'the output');
      ensureEqual((await context.get(target)).state, ProcessState.CLOSED, 'the state');
    },
  },
  {
    id: 'RETAIN-02',
    title: 'Once its retention is over, every call says of a process that it is evicted',
    clause: 'ERROR_REASON_PROCESS_EVICTED',
    async run(context) {
      const target = await startEvicted(context, 'evicted');
      const { processes } = context;
      const calls = {
        GetProcess: processes.getProcess(target),
        ReadProcess: processes.readProcess(target),
        AcknowledgeOutput: processes.acknowledgeOutput({ ...target, readerId: 'reader' }),
        WatchProcess: context.eventsOf(target),
        WaitProcess: processes.waitProcess(target),
      };
      await ensureAllFail(calls, 'NOT_FOUND/PROCESS_EVICTED');
      const { processes: listed } = await processes.listProcesses({ sessionId: context.sessionId });
      ensureEqual(listed, [], 'the list of processes');
    },
  },
  {
    id: 'RETAIN-03',
    title: 'The id of an evicted process can be used again',
    clause: 'SessionProcessEvicted.process_id',
    async run(context) {
      const target = await startEvicted(context, 'again');
      await context.startShell('echo again', {}, target);
      ensureEqual(textOf(await context.eventsOf(target)), 'again\n', 'the output of the second');
    },
  },
  {
    id: 'RETAIN-04',
    title: 'A start that is repeated after the eviction does not run the command again',
    clause: 'ProcessService.StartProcess',
    async run(context) {
      const { processId, sessionId } = await startEvicted(context, 'once', 'request');
      const spec = specOf(['/bin/sh', '-c', 'true'], { retention: ZERO });
      const request = { sessionId, processId, requestId: 'request', spec };
      await ensureFails(
        context.processes.startProcess(request),
        'NOT_FOUND/PROCESS_EVICTED',
        'the late retry',
      );
    },
  },
  {
    id: 'RETAIN-05',
    title: 'Retention begins when the output is closed, not at the exit',
    clause: 'ProcessSpec.retention',
    async run(context) {
      const { reader, release, target } = await startHeld(context, { retention: ZERO });
      const { summary } = await outcomeOf(context.get(target));
      ensureEqual(summary, 'OK', 'GetProcess between exit and closure, with no retention');
      await release();
      ensureEqual(textOf(await reader.rest()), 'late\n', 'the output after the exit');
    },
  },
  {
    id: 'RETAIN-06',
    title: 'A stream that began before is not cut when the retention is over',
    clause: 'ProcessSpec.retention',
    async run(context) {
      const target = await context.startShell('read line; echo 1; echo 2 >&2; exit 4', {
        stdin: StdinMode.PIPE,
        retention: ZERO,
      });
      const reader = context.watch(target);
      await reader.untilKind('started');
      await context.write(target, '\n');
      const rest = kindsOf(await reader.rest()).slice(-2);
      ensureEqual(rest, ['exited', 'closed'], 'the last events');
    },
  },
  {
    id: 'RETAIN-07',
    title: 'A process that was evicted and one that never was are told apart',
    clause: 'ERROR_REASON_PROCESS_NOT_FOUND',
    async run(context) {
      const { sessionId } = context;
      await ensureFails(
        context.get({ sessionId, processId: 'never' }),
        'NOT_FOUND/PROCESS_NOT_FOUND',
        'GetProcess of one that never was',
      );
    },
  },
];
