import { randomUUID } from 'node:crypto';
import { StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { ensureAllFail, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, LONG_WAIT, specOf, type Target, ZERO } from '../context.ts';

const SUPERSEDED = 'ABORTED/ATTACHMENT_SUPERSEDED';

interface Fenced {
  readonly target: Target;
  /** The same, with the older attachment's id. */
  readonly older: Target & { readonly attachmentId: string };
  /** Attaches over another connection. */
  takeOver(): Promise<void>;
}

/** A process that is silent until it is written to, and an attachment that is taken over. */
async function fence(context: CheckContext): Promise<Fenced> {
  const target = await context.startShell('read line; echo "$line"; exec sleep 1000', {
    stdin: StdinMode.PIPE,
  });
  const { id } = await context.attach();
  const takeOver = async (): Promise<void> => {
    // What was called before has got to the server when this is answered.
    await context.get(target);
    await context.attach({}, context.otherClients());
  };
  return { target, older: { ...target, attachmentId: id }, takeOver };
}

/** What becomes of an attachment that is taken over. */
export const fencing: readonly Check[] = [
  {
    id: 'FENCE-01',
    title: 'To attach takes over: the older stream ends with `ATTACHMENT_SUPERSEDED`',
    clause: 'ATTACH_MODE_TAKE_OVER',
    async run(context) {
      const first = await context.attach();
      await context.attach({}, context.otherClients());
      await ensureFails(first.toEnd(), SUPERSEDED, 'the end of the older stream');
    },
  },
  {
    id: 'FENCE-02',
    title: 'A long poll under way is fenced at once, and does not wait for an event',
    clause: 'ReadProcessRequest.attachment_id',
    async run(context) {
      const { older, takeOver, target } = await fence(context);
      const request = { ...older, afterSeq: 1n, wait: LONG_WAIT };
      const polled = outcomeOf(context.processes.readProcess(request));
      await takeOver();
      await context.write(target, 'an event\n');
      ensureEqual((await polled).summary, SUPERSEDED, 'the long poll');
    },
  },
  {
    id: 'FENCE-03',
    title: 'A stream of events under way is fenced',
    clause: 'WatchProcessRequest.attachment_id',
    async run(context) {
      const { older, takeOver, target } = await fence(context);
      const watched = outcomeOf(context.eventsOf(older));
      await takeOver();
      await context.processes.terminateProcess({ ...target, grace: ZERO });
      ensureEqual((await watched).summary, SUPERSEDED, 'the stream');
    },
  },
  {
    id: 'FENCE-04',
    title: 'A wait for the end of a process is fenced',
    clause: 'WaitProcessRequest.attachment_id',
    async run(context) {
      const { older, takeOver, target } = await fence(context);
      const waited = outcomeOf(context.processes.waitProcess(older));
      await takeOver();
      await context.processes.terminateProcess({ ...target, grace: ZERO });
      ensureEqual((await waited).summary, SUPERSEDED, 'the wait');
    },
  },
  {
    id: 'FENCE-05',
    title: 'A write that waits for its process to read is fenced',
    clause: 'WriteStdinRequest.attachment_id',
    async run(context) {
      const { older, takeOver, target } = await fence(context);
      const data = Buffer.alloc(200_000, '\n');
      const written = outcomeOf(context.processes.writeStdin({ ...older, data }));
      await takeOver();
      await context.processes.terminateProcess({ ...target, grace: ZERO });
      ensureEqual((await written).summary, SUPERSEDED, 'the write');
    },
  },
  {
    id: 'FENCE-06',
    title: 'A later call of the older attachment fails and does nothing',
    clause: 'StartProcessRequest.attachment_id',
    async run(context) {
      const { older, takeOver } = await fence(context);
      await takeOver();
      const { attachmentId, sessionId } = older;
      const spec = specOf(['/bin/sh', '-c', 'true']);
      const late = { sessionId, attachmentId, processId: 'late', spec };
      await ensureFails(context.processes.startProcess(late), SUPERSEDED, 'StartProcess');
      await ensureFails(
        context.get({ sessionId, processId: 'late' }),
        'NOT_FOUND/PROCESS_NOT_FOUND',
        'GetProcess of what it would have started',
      );
    },
  },
  {
    id: 'FENCE-07',
    title: 'Later calls of every kind are fenced',
    clause: 'ERROR_REASON_ATTACHMENT_SUPERSEDED',
    async run(context) {
      const { older, takeOver } = await fence(context);
      await takeOver();
      const { processes } = context;
      const { attachmentId, sessionId } = older;
      const calls = {
        GetProcess: processes.getProcess(older),
        ListProcesses: processes.listProcesses({ sessionId, attachmentId }),
        SignalProcess: processes.signalProcess({ ...older, signal: 10 }),
        ReadProcess: processes.readProcess(older),
        AcknowledgeOutput: processes.acknowledgeOutput({ ...older, readerId: 'reader' }),
        TerminateProcess: processes.terminateProcess({ ...older, grace: ZERO }),
      };
      await ensureAllFail(calls, SUPERSEDED);
    },
  },
  {
    id: 'FENCE-08',
    title: 'Calls that carry no attachment go on through a take-over',
    clause: 'docs/sessions.md#fencing',
    async run(context) {
      const { takeOver, target } = await fence(context);
      const request = { ...target, afterSeq: 1n, wait: LONG_WAIT };
      const polled = outcomeOf(context.processes.readProcess(request));
      const watched = context.watch(target);
      await watched.untilKind('started');
      await takeOver();
      await context.write(target, 'an event\n');
      ensureEqual((await polled).summary, 'OK', 'a long poll without an attachment');
      const { summary } = await outcomeOf(watched.untilOutput('an event'));
      ensureEqual(summary, 'OK', 'a stream without an attachment');
    },
  },
  {
    id: 'FENCE-09',
    title: 'An `attachment_id` that the session never gave is fenced too',
    clause: 'GetProcessRequest.attachment_id',
    async run(context) {
      const target = await context.startShell('true');
      const attachmentId = randomUUID();
      const call = context.processes.getProcess({ ...target, attachmentId });
      await ensureFails(call, SUPERSEDED, 'GetProcess with an id that was made up');
    },
  },
  {
    id: 'FENCE-10',
    title: 'Calls of an attachment whose stream ended go on until another attaches',
    clause: 'docs/sessions.md#the-state-machine',
    async run(context) {
      const target = await context.startShell('exec sleep 1000');
      const attachment = await context.attach();
      const mine = { ...target, attachmentId: attachment.id };
      await attachment.detach();
      await context.untilDetached();
      const { summary } = await outcomeOf(context.processes.getProcess(mine));
      ensureEqual(summary, 'OK', 'GetProcess after the stream ended');
      await context.attach();
      await ensureFails(context.processes.getProcess(mine), SUPERSEDED, 'after another attached');
    },
  },
];
