import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { isCallError } from '../../client/call-error.ts';
import { ensure, ensureEqual, ensureFails, outcomeOf } from '../assert.ts';
import type { Check } from '../check.ts';
import { type CheckContext, PATH } from '../context.ts';

/** Shorter lives could be over between two calls of a busy machine. */
const LEAST_TTL_MS = 100;

/** How many times a life is tried, each three times as long as the one before. */
const ATTEMPTS = 5;

/** A session that is about to expire, and what was done in it before. */
interface Brief<T> {
  readonly sessionId: string;
  /** Its `detached_ttl`, in milliseconds. */
  readonly ttl: number;
  readonly done: T;
}

/** Makes a session with the shortest life in which something can be done. */
async function createBrief<T>(
  context: CheckContext,
  act: (sessionId: string) => Promise<T>,
  init: { labels?: Record<string, string> } = {},
): Promise<Brief<T>> {
  const minimum = context.info.limits?.minDetachedTtl;
  ensure(minimum !== undefined, 'min_detached_ttl is absent');
  let ttl = Math.max(durationMs(minimum), LEAST_TTL_MS);
  for (let i = 1; ; i++) {
    const sessionId = await context.createSession({ ...init, detachedTtl: durationFromMs(ttl) });
    try {
      return { sessionId, ttl, done: await act(sessionId) };
    } catch (error) {
      if (!isCallError(error) || i === ATTEMPTS) throw error;
      ttl *= 3;
    }
  }
}

/** The longest of what a session may take to be swept up. */
const LOOKS = 200;

/** Leases: how long a session lives that nobody needs. */
export const expiry: readonly Check[] = [
  {
    id: 'EXPIRE-01',
    title:
      'A session that nobody names for its `detached_ttl` is unknown, and its processes are ended',
    clause: 'END_REASON_SESSION_EXPIRED',
    async run(context) {
      const spec = { argv: ['sleep', '1000'], env: { PATH } };
      const { done, sessionId, ttl } = await createBrief(context, (id) =>
        context.processes.startProcess({ sessionId: id, spec }),
      );
      await context.letPass(3 * ttl);
      await ensureFails(
        context.sessions.getSession({ sessionId }),
        'NOT_FOUND/SESSION_NOT_FOUND',
        'GetSession when its time is over',
      );
      const look = `i=0; while [ $i -lt ${LOOKS} ]; do
        kill -0 ${done.process?.pid} 2> /dev/null || { echo gone; exit; }
        i=$((i + 1)); sleep 0.05; done`;
      ensureEqual(await context.outputOf(['/bin/sh', '-c', look]), 'gone\n', 'its process');
    },
  },
  {
    id: 'EXPIRE-02',
    title: 'A session does not expire while a stream is attached to it',
    clause: 'SessionService.AttachSession',
    async run(context) {
      const { sessionId, ttl } = await createBrief(context, (id) =>
        context.attach({ sessionId: id }),
      );
      await context.letPass(3 * ttl);
      const { summary } = await outcomeOf(context.sessions.getSession({ sessionId }));
      ensureEqual(summary, 'OK', 'GetSession of a session that is attached');
    },
  },
  {
    id: 'EXPIRE-03',
    title: 'A session does not expire while a call that names it is under way',
    clause: 'docs/sessions.md#what-holds-a-session',
    async run(context) {
      const { sessionId, ttl } = await createBrief(context, async (id) => {
        const target = await context.startShell('exec sleep 1000', {}, { sessionId: id });
        await context.watch(target).untilKind('started');
      });
      await context.letPass(3 * ttl);
      const { summary } = await outcomeOf(context.sessions.getSession({ sessionId }));
      ensureEqual(summary, 'OK', 'GetSession of a session with a process that is watched');
    },
  },
  {
    id: 'EXPIRE-04',
    title: 'An id that expired can be used again, for an empty session',
    clause: 'docs/sessions.md#when-it-expires',
    async run(context) {
      const { sessionId, ttl } = await createBrief(
        context,
        (id) => context.startShell('exec sleep 1000', {}, { sessionId: id }),
        { labels: { life: 'first' } },
      );
      await context.letPass(3 * ttl);
      const { session } = await context.sessions.createSession({ sessionId });
      ensureEqual({ ...session?.labels }, {}, 'the labels of the new session');
      ensureEqual(session?.processCount, 0, 'the processes of the new session');
    },
  },
];
