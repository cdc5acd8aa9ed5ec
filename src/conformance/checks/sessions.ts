import { randomUUID } from 'node:crypto';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { EndReason } from '../../gen/runlet/v1/event_pb.ts';
import { ensure, ensureAllFail, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { ZERO } from '../context.ts';
import { exitedOf, kindsOf } from '../event-reader.ts';

/** RFC 9562, version 4, in lower case. */
const UUID_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const UNKNOWN = 'NOT_FOUND/SESSION_NOT_FOUND';

/** Creating and closing sessions. */
export const sessions: readonly Check[] = [
  {
    id: 'SESSION-01',
    title: 'An id that the server makes is a UUID of version 4, and each time another',
    clause: 'CreateSessionRequest.session_id',
    async run({ sessions: client }) {
      const ids = new Set<string>();
      for (let i = 0; i < 3; i++) {
        const { session } = await client.createSession({});
        const sessionId = session?.sessionId ?? '';
        ensure(UUID_4.test(sessionId), `the id is ${JSON.stringify(sessionId)}`);
        ids.add(sessionId);
        await client.closeSession({ sessionId });
      }
      ensureEqual(ids.size, 3, 'how many ids three sessions have');
    },
  },
  {
    id: 'SESSION-02',
    title: 'To create a session again with its id returns it as it is',
    clause: 'SessionService.CreateSession',
    async run(context) {
      const sessionId = await context.createSession({ labels: { first: 'yes' } });
      const { session: first } = await context.sessions.getSession({ sessionId });
      const detachedTtl = durationFromMs(30_000);
      const request = { sessionId, labels: { second: 'yes' }, detachedTtl };
      const { session: second } = await context.sessions.createSession(request);
      ensureEqual(second, first, 'the session that the second call returns');
    },
  },
  {
    id: 'SESSION-03',
    title: 'An id is the same in either case, and is told in lower case',
    clause: 'Session.session_id',
    async run(context) {
      const sessionId = randomUUID();
      await context.createSession({ sessionId: sessionId.toUpperCase() });
      const { session } = await context.sessions.getSession({ sessionId });
      ensureEqual(session?.sessionId, sessionId, 'the id by which it is told');
    },
  },
  {
    id: 'SESSION-04',
    title: 'A session tells its labels, its `detached_ttl` and when it was created',
    clause: 'Session',
    async run(context) {
      const labels = { team: 'blue' };
      const detachedTtl = durationFromMs(31_000);
      const sessionId = await context.createSession({ labels, detachedTtl });
      const { session } = await context.sessions.getSession({ sessionId });
      ensureEqual({ ...session?.labels }, labels, 'labels');
      ensureEqual(session?.detachedTtl && durationMs(session.detachedTtl), 31_000, 'detached_ttl');
      ensure(session?.createTime, 'create_time is absent');
    },
  },
  {
    id: 'SESSION-05',
    title: 'A session tells how many processes it holds',
    clause: 'Session.process_count',
    async run(context) {
      const { sessionId } = context;
      const count = async (): Promise<number | undefined> =>
        (await context.sessions.getSession({ sessionId })).session?.processCount;
      ensureEqual(await count(), 0, 'at first');
      await context.startShell('exec sleep 1000');
      await context.runShell('true');
      ensureEqual(await count(), 2, 'with one that runs and one that is retained');
    },
  },
  {
    id: 'SESSION-06',
    title: 'A session tells whether it is attached',
    clause: 'Session.attached',
    async run(context) {
      const { sessionId } = context;
      const attached = async (): Promise<boolean | undefined> =>
        (await context.sessions.getSession({ sessionId })).session?.attached;
      ensureEqual(await attached(), false, 'at first');
      await context.attach();
      ensureEqual(await attached(), true, 'while a stream is attached');
    },
  },
  {
    id: 'SESSION-07',
    title: 'Without a `detached_ttl` a session has the one that the server tells',
    clause: 'CreateSessionRequest.detached_ttl',
    async run({ info, sessions: client }) {
      const { session } = await client.createSession({});
      await client.closeSession({ sessionId: session?.sessionId ?? '' });
      ensureEqual(session?.detachedTtl, info.limits?.defaultDetachedTtl, 'detached_ttl');
    },
  },
  {
    id: 'SESSION-08',
    title: 'To close a session ends its processes with the reason `SESSION_CLOSED`',
    clause: 'END_REASON_SESSION_CLOSED',
    async run(context) {
      const sessionId = await context.createSession();
      const target = await context.startShell('exec sleep 1000', {}, { sessionId });
      const reader = context.watch(target);
      await reader.untilKind('started');
      await context.sessions.closeSession({ sessionId });
      const rest = await reader.rest();
      ensureEqual(exitedOf(rest).reason, EndReason.SESSION_CLOSED, 'the reason');
      ensureEqual(kindsOf(rest), ['exited', 'closed'], 'the events of a stream under way');
    },
  },
  {
    id: 'SESSION-09',
    title: 'The id of a session that was closed is unknown, to every service',
    clause: 'SessionService.CloseSession',
    async run(context) {
      const sessionId = await context.createSession();
      const target = await context.startShell('true', {}, { sessionId });
      await context.sessions.closeSession({ sessionId });
      const calls = {
        GetSession: context.sessions.getSession({ sessionId }),
        AttachSession: context.attach({ sessionId }),
        GetProcess: context.get(target),
        WatchProcess: context.eventsOf(target),
        StartProcess: context.startShell('true', {}, { sessionId }),
      };
      await ensureAllFail(calls, UNKNOWN);
    },
  },
  {
    id: 'SESSION-10',
    title: 'To close a session again succeeds; to close one that never was does not',
    clause: 'SessionService.CloseSession',
    async run({ sessions: client }) {
      const sessionId = randomUUID();
      await client.createSession({ sessionId });
      await client.closeSession({ sessionId });
      const { summary } = await outcomeOf(client.closeSession({ sessionId }));
      ensureEqual(summary, 'OK', 'to close it again');
      const never = client.closeSession({ sessionId: randomUUID() });
      await ensureFails(never, UNKNOWN, 'to close one that never was');
    },
  },
  {
    id: 'SESSION-11',
    title: 'A session that never was, and one of another server, are unknown',
    clause: 'ERROR_REASON_SESSION_NOT_FOUND',
    async run(context) {
      const sessionId = randomUUID();
      const target = { sessionId, processId: 'p' };
      const calls = {
        GetSession: context.sessions.getSession({ sessionId }),
        AttachSession: context.attach({ sessionId }),
        ListProcesses: context.processes.listProcesses({ sessionId }),
        ReadProcess: context.processes.readProcess(target),
        TerminateProcess: context.processes.terminateProcess({ ...target, grace: ZERO }),
      };
      await ensureAllFail(calls, UNKNOWN);
    },
  },
  {
    id: 'SESSION-12',
    title: 'A header `runlet-session-id` that names another session is refused',
    clause: 'docs/sessions.md#the-header-runlet-session-id',
    async run(context) {
      const { sessionId } = context;
      const header = (value: string) => ({ metadata: { 'runlet-session-id': value } });
      const upper = header(sessionId.toUpperCase());
      await context.sessions.getSession({ sessionId }, upper);
      await context.sessions.getSession({ sessionId }, { metadata: {} });
      const other = header(randomUUID());
      const calls = {
        GetSession: context.sessions.getSession({ sessionId }, other),
        ListProcesses: context.processes.listProcesses({ sessionId }, other),
      };
      for (const [name, call] of Object.entries(calls)) {
        const { badRequest } = await ensureFails(call, 'INVALID_ARGUMENT/INVALID_REQUEST', name);
        const fields = badRequest?.fieldViolations.map(({ field }) => field);
        ensureEqual(fields, ['session_id'], `the fields that ${name} names`);
      }
    },
  },
  {
    id: 'SESSION-13',
    title: 'A session belongs to the caller that created it, by the name that the caller is told',
    clause: 'Session.owner',
    async run(context) {
      const { caller } = await context.server.getServerInfo({});
      const sessionId = randomUUID();
      const { session: created } = await context.sessions.createSession({ sessionId });
      try {
        const { session: found } = await context.sessions.getSession({ sessionId });
        ensureEqual(created?.owner, caller?.name, 'the owner that `CreateSession` tells');
        ensureEqual(found?.owner, caller?.name, 'the owner that `GetSession` tells');
      } finally {
        await context.sessions.closeSession({ sessionId });
      }
    },
  },
];
