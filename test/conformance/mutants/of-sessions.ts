import { create } from '@bufbuild/protobuf';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { RunletError } from '../../../src/errors.ts';
import { EndReason } from '../../../src/gen/runlet/v1/event_pb.ts';
import { ListProcessesRequestSchema, ProcessState } from '../../../src/gen/runlet/v1/process_pb.ts';
import type { Session } from '../../../src/gen/runlet/v1/session_pb.ts';
import { onEvents, onFailures, onRequests, onResponses } from './hooks.ts';
import type { Mutant } from './mutant.ts';
import { recoded } from './of-reading.ts';
import type { Services } from './services.ts';

/** Changes every session that is told. */
function onSessions(real: Services, change: (session: Session) => void): Services {
  const single = onResponses(real, ['createSession', 'getSession'], ({ session }) => {
    if (session !== undefined) change(session);
  });
  return onResponses(single, ['listSessions'], ({ sessions }) => sessions.forEach(change));
}

/** Sessions and their expiry. */
export const ofSessions: readonly Mutant[] = [
  {
    fault: 'ids that it makes are counted',
    fails: ['SESSION-01'],
    mutate: (real) => {
      let count = 0;
      return onRequests(real, ['createSession'], (request) => {
        count += 1;
        const number = `${process.pid}${count}`.padStart(12, '0').slice(-12);
        if (request.sessionId === '') request.sessionId = `00000000-0000-1000-8000-${number}`;
      });
    },
  },
  {
    fault: 'a session that is created again gets the labels of the second call',
    fails: ['SESSION-02'],
    mutate: (real) =>
      onResponses(real, ['createSession'], ({ session }, { labels }) => {
        if (session !== undefined) session.labels = labels;
      }),
  },
  {
    fault: 'ids are told as they were sent',
    fails: ['SESSION-03'],
    mutate: (real) => {
      const sent = new Map<string, string>();
      const noted = onRequests(real, ['createSession'], ({ sessionId }) => {
        sent.set(sessionId.toLowerCase(), sessionId);
      });
      return onSessions(noted, (session) => {
        session.sessionId = sent.get(session.sessionId) ?? session.sessionId;
      });
    },
  },
  {
    fault: 'sessions belong to nobody',
    fails: ['SESSION-13'],
    mutate: (real) =>
      onSessions(real, (session) => {
        session.owner = '';
      }),
  },
  {
    fault: 'labels of sessions are lost',
    fails: ['SESSION-04'],
    mutate: (real) =>
      onSessions(real, (session) => {
        session.labels = {};
      }),
  },
  {
    fault: 'processes that are retained are not counted',
    fails: ['SESSION-05'],
    mutate: (real) => ({
      ...real,
      async getSession(request, context) {
        const response = await real.getSession(request, context);
        const list = create(ListProcessesRequestSchema, { sessionId: request.sessionId });
        const { processes } = await real.listProcesses(list, context);
        const running = processes.filter(({ state }) => state === ProcessState.RUNNING);
        if (response.session) response.session.processCount = running.length;
        return response;
      },
    }),
  },
  {
    fault: 'no session is told to be attached',
    fails: ['SESSION-06'],
    mutate: (real) =>
      onSessions(real, (session) => {
        session.attached = false;
      }),
  },
  {
    fault: 'the default of `detached_ttl` is another than it tells',
    fails: ['SESSION-07'],
    mutate: (real) =>
      onRequests(real, ['createSession'], (request) => {
        request.detachedTtl ??= durationFromMs(59_000);
      }),
  },
  {
    fault: 'the reason of processes whose session is closed is `TERMINATED`',
    fails: ['SESSION-08'],
    mutate: (real) =>
      onEvents(real, () => (event) => {
        const { event: body } = event;
        if (body.case === 'exited' && body.value.reason === EndReason.SESSION_CLOSED) {
          body.value.reason = EndReason.TERMINATED;
        }
        return [event];
      }),
  },
  {
    fault: 'a session that was closed is still told',
    fails: ['SESSION-09'],
    mutate: (real) => {
      const closed = new Map<string, Awaited<ReturnType<Services['getSession']>>>();
      return {
        ...real,
        async closeSession(request, context) {
          const { sessionId } = request;
          const get = { $typeName: 'runlet.v1.GetSessionRequest', sessionId } as const;
          const before = await real.getSession(get, context).catch(() => undefined);
          if (before !== undefined) closed.set(sessionId, before);
          return real.closeSession(request, context);
        },
        getSession: (request, context) =>
          real.getSession(request, context).catch((error: unknown) => {
            const before = closed.get(request.sessionId);
            if (before === undefined) throw error;
            return before;
          }),
      };
    },
  },
  {
    fault: 'a session cannot be closed twice',
    fails: ['SESSION-10'],
    mutate: (real) => {
      const closed = new Set<string>();
      return onRequests(real, ['closeSession'], ({ sessionId }) => {
        if (closed.has(sessionId)) throw new RunletError('SESSION_NOT_FOUND');
        closed.add(sessionId);
      });
    },
  },
  {
    fault: 'an unknown session is a matter of permission',
    fails: ['SESSION-09', 'SESSION-10', 'SESSION-11', 'EXPIRE-01', 'RESUME-03'],
    mutate: (real) =>
      onFailures(real, (error, reason) =>
        reason === 'SESSION_NOT_FOUND' ? recoded(error, status.PERMISSION_DENIED) : error,
      ),
  },
  {
    fault: 'the header `runlet-session-id` is ignored',
    fails: ['SESSION-12'],
    mutate: (real) => {
      const handlers = real as unknown as Record<
        string,
        (request: unknown, context: object) => unknown
      >;
      const blind = Object.entries(handlers).map(([name, handler]) => [
        name,
        (request: unknown, context: object) => handler(request, withoutHeader(context)),
      ]);
      return Object.fromEntries(blind) as Services;
    },
  },
  {
    fault: 'sessions live longer than their `detached_ttl`',
    fails: ['EXPIRE-01', 'EXPIRE-04'],
    mutate: (real) =>
      onRequests(real, ['createSession'], ({ detachedTtl: ttl }) => {
        if (ttl && ttl.seconds === 0n && durationMs(ttl) >= 100) ttl.seconds = 3600n;
      }),
  },
  {
    fault: 'the life of a session is counted from its creation',
    fails: ['EXPIRE-02', 'EXPIRE-03'],
    mutate: (real) => {
      const ends = new Map<string, number>();
      const created = onResponses(real, ['createSession'], ({ session }) => {
        const { detachedTtl: ttl, sessionId = '' } = session ?? {};
        if (ttl && !ends.has(sessionId)) ends.set(sessionId, performance.now() + durationMs(ttl));
      });
      return onRequests(created, ['getSession'], ({ sessionId }) => {
        const end = ends.get(sessionId) ?? Number.POSITIVE_INFINITY;
        if (performance.now() > end) throw new RunletError('SESSION_NOT_FOUND');
      });
    },
  },
];

/** The same call without the header. */
function withoutHeader<C extends object>(context: C): C {
  return new Proxy(context, {
    get: (target, name) => {
      if (name === 'header') return () => undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
