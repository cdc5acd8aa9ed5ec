import { randomUUID } from 'node:crypto';
import { StartStage } from '../../gen/runlet/v1/error_pb.ts';
import { StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { ensure, ensureAllFail, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, type SpecInit, ZERO } from '../context.ts';

/** Starts what cannot be started, and returns where it failed and why. */
async function startFailure(
  context: CheckContext,
  argv: string[],
  spec: SpecInit = {},
): Promise<string> {
  const { startFailure: failure } = await ensureFails(
    context.start(argv, spec),
    'FAILED_PRECONDITION/START_FAILED',
    `to start ${argv[0]}`,
  );
  ensure(failure !== undefined, 'there is no StartFailure');
  return `${StartStage[failure.stage]} ${failure.errnoName}`;
}

/** How calls fail. */
export const errors: readonly Check[] = [
  {
    id: 'ERROR-01',
    title: 'Every failure carries an `ErrorInfo` of the domain `runlet.v1`',
    clause: 'docs/conformance.md#errors',
    async run(context) {
      const { processes, sessionId, sessions } = context;
      const target = await context.startShell('true');
      await processes.waitProcess(target);
      const failures = await Promise.all(
        [
          sessions.getSession({ sessionId: randomUUID() }),
          context.get({ sessionId, processId: 'unknown' }),
          context.startShell('true', {}, target),
          context.write(target, 'x'),
          context.eventsOf(target, 1000n),
          processes.listProcesses({ sessionId, pageSize: -1 }),
        ].map(outcomeOf),
      );
      const domains = failures.map(({ details, summary }) => details.info?.domain ?? summary);
      ensureEqual(domains, Array(failures.length).fill('runlet.v1'), 'the domains');
    },
  },
  {
    id: 'ERROR-02',
    title: 'A program that there is not fails the start, with stage and errno',
    clause: 'START_STAGE_PROGRAM',
    async run(context) {
      const expected = 'PROGRAM ENOENT';
      ensureEqual(await startFailure(context, ['/nonexistent/program']), expected, 'by path');
      ensureEqual(await startFailure(context, ['no-such-program-anywhere']), expected, 'by name');
    },
  },
  {
    id: 'ERROR-03',
    title: 'A file that cannot be executed fails the start',
    clause: 'START_STAGE_PROGRAM',
    async run(context) {
      ensureEqual(await startFailure(context, ['/dev/null']), 'PROGRAM EACCES', 'it');
    },
  },
  {
    id: 'ERROR-04',
    title:
      'A working directory that cannot be entered fails the start, before the program is looked for',
    clause: 'START_STAGE_CWD',
    async run(context) {
      const missing = await startFailure(context, ['/nonexistent'], { cwd: '/nonexistent' });
      ensureEqual(missing, 'CWD ENOENT', 'one that is not there');
      const file = await startFailure(context, ['/nonexistent'], { cwd: '/dev/null' });
      ensureEqual(file, 'CWD ENOTDIR', 'one that is no folder');
    },
  },
  {
    id: 'ERROR-05',
    title: 'Nothing of a start that failed is left: its id is free, and no process is listed',
    clause: 'ERROR_REASON_START_FAILED',
    async run(context) {
      const { sessionId } = context;
      const target = { sessionId, processId: 'failed' };
      const failed = context.start(['/nonexistent'], {}, target);
      await ensureFails(failed, 'FAILED_PRECONDITION/START_FAILED', 'the start');
      const { processes } = await context.processes.listProcesses({ sessionId });
      ensureEqual(processes, [], 'the list of processes');
      const { summary } = await outcomeOf(context.startShell('true', {}, target));
      ensureEqual(summary, 'OK', 'to start another with its id');
    },
  },
  {
    id: 'ERROR-06',
    title: 'A process that the session never had is unknown to every call',
    clause: 'ERROR_REASON_PROCESS_NOT_FOUND',
    async run(context) {
      const { processes, sessionId } = context;
      const target = { sessionId, processId: 'never' };
      const calls = {
        WatchProcess: context.eventsOf(target),
        ReadProcess: processes.readProcess(target),
        AcknowledgeOutput: processes.acknowledgeOutput({ ...target, readerId: 'reader' }),
        WriteStdin: context.write(target, 'x'),
        SignalProcess: processes.signalProcess({ ...target, signal: 15 }),
        TerminateProcess: processes.terminateProcess({ ...target, grace: ZERO }),
        ResizeTerminal: processes.resizeTerminal({ ...target, size: { columns: 1, rows: 1 } }),
        WaitProcess: processes.waitProcess(target),
      };
      await ensureAllFail(calls, 'NOT_FOUND/PROCESS_NOT_FOUND');
    },
  },
  {
    id: 'ERROR-07',
    title: 'A request that is too large is refused, with the name of the limit and what it is',
    clause: 'ERROR_REASON_LIMIT_EXCEEDED',
    async run(context) {
      const maximum = context.info.limits?.maxRequestBytes ?? 0;
      const target = await context.start(['cat'], { stdin: StdinMode.PIPE });
      const data = Buffer.alloc(maximum + 1);
      const { info } = await ensureFails(
        context.processes.writeStdin({ ...target, data }),
        'RESOURCE_EXHAUSTED/LIMIT_EXCEEDED',
        `a request of more than ${maximum} bytes`,
      );
      const expected = { limit: 'max_request_bytes', maximum: String(maximum) };
      ensureEqual({ ...info?.metadata }, expected, 'the metadata');
    },
  },
];
