import { ProcessState, StdinMode } from '../../gen/runlet/v1/process_pb.ts';
import { AttachMode } from '../../gen/runlet/v1/session_pb.ts';
import { ensure, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { ZERO } from '../context.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What an attached stream tells. */
export const attachments: readonly Check[] = [
  {
    id: 'ATTACH-01',
    title:
      '`attached` comes first, with an id, the session and its processes in order of their starts',
    clause: 'SessionAttached',
    async run(context) {
      const { sessionId } = context;
      const given = ['b', 'a', 'c'].map((letter) => `${letter}-${sessionId}`);
      for (const processId of given) {
        await context.startShell('exec sleep 1000', {}, { processId });
      }
      const { attached } = await context.attach();
      ensure(UUID.test(attached.attachmentId), `attachment_id is ${attached.attachmentId}`);
      ensureEqual(attached.session?.sessionId, sessionId, 'the session');
      const ids = attached.processes.map(({ processId }) => processId);
      ensureEqual(ids, given, 'the processes');
    },
  },
  {
    id: 'ATTACH-02',
    title:
      'An attached stream tells the start, the exit, the closing and the eviction of a process, in that order',
    clause: 'SessionEvent',
    async run(context) {
      const attachment = await context.attach();
      const { processId } = await context.startShell('exit 5', { retention: ZERO });
      const seen: string[] = [];
      for (let i = 0; i < 4; i++) {
        const event = await attachment.next();
        seen.push(String(event?.case));
        if (event?.case === 'processEvicted') {
          ensureEqual(event.value.processId, processId, 'the process that was evicted');
        }
      }
      const order = ['processStarted', 'processExited', 'processClosed', 'processEvicted'];
      ensureEqual(seen, order, 'the events');
    },
  },
  {
    id: 'ATTACH-03',
    title: 'The events of an attached stream show the process as it was when they happened',
    clause: 'SessionProcessExited',
    async run(context) {
      const attachment = await context.attach();
      const target = await context.startShell('read line; exit 5', { stdin: StdinMode.PIPE });
      const started = await attachment.next();
      ensure(started?.case === 'processStarted', `the first event was ${started?.case}`);
      ensureEqual(started.value.process?.processId, target.processId, 'process_id');
      ensureEqual(started.value.process?.state, ProcessState.RUNNING, 'the state at its start');
      await context.write(target, '\n');
      await attachment.next();
      const closed = await attachment.next();
      ensure(closed?.case === 'processClosed', `the third event was ${closed?.case}`);
      ensureEqual(closed.value.process?.state, ProcessState.CLOSED, 'the state when it was closed');
      ensureEqual(closed.value.process?.status?.status.value, 5, 'the exit code');
    },
  },
  {
    id: 'ATTACH-04',
    title: '`ATTACH_MODE_REJECT_IF_ATTACHED` fails while a stream is attached, and harms it not',
    clause: 'ERROR_REASON_SESSION_ALREADY_ATTACHED',
    async run(context) {
      const mode = AttachMode.REJECT_IF_ATTACHED;
      const first = await context.attach({ mode });
      await ensureFails(
        context.attach({ mode }),
        'FAILED_PRECONDITION/SESSION_ALREADY_ATTACHED',
        'the second attach',
      );
      await context.startShell('true');
      ensureEqual((await first.next())?.case, 'processStarted', 'what the first stream tells');
    },
  },
  {
    id: 'ATTACH-05',
    title: 'An attached stream ends with `SESSION_CLOSED` when the session is closed',
    clause: 'ERROR_REASON_SESSION_CLOSED',
    async run(context) {
      const sessionId = await context.createSession();
      const attachment = await context.attach({ sessionId });
      await context.sessions.closeSession({ sessionId });
      await ensureFails(attachment.toEnd(), 'NOT_FOUND/SESSION_CLOSED', 'the end of the stream');
    },
  },
  {
    id: 'ATTACH-06',
    title: 'Processes go on when the stream ends, and another connection can attach',
    clause: 'SessionService.AttachSession',
    async run(context) {
      const first = await context.attach();
      const target = await context.startShell('exec sleep 1000');
      await first.detach();
      await context.untilDetached();
      const second = await outcomeOf(context.attach({}, context.otherClients()));
      ensureEqual(second.summary, 'OK', 'an attach over another connection');
      ensureEqual((await context.get(target)).state, ProcessState.RUNNING, 'the process');
    },
  },
];
