import type { CallContext } from '../../bridge/call-context.ts';
import type { ServiceImpl } from '../../bridge/types.ts';
import type { Clock } from '../../clock.ts';
import { invalidField, RunletError } from '../../errors.ts';
import {
  AttachMode,
  type AttachSessionRequest,
  type SessionService,
} from '../../gen/runlet/v1/session_pb.ts';
import { type Limits, MAX_PAGE_SIZE } from '../../limits.ts';
import type { SessionRegistry } from '../../session/session-registry.ts';
import type { Holder } from '../../session/session-state.ts';
import type { Audit } from '../../telemetry/audit.ts';
import { ROUTINE_DEED, whoDidWhat } from '../audit-calls.ts';
import { assertRecordable } from '../audit-required.ts';
import { callerOf } from '../caller.ts';
import { sessionMessage } from '../messages.ts';
import { sessionBytes } from '../requests/encoded-size.ts';
import {
  formatPageToken,
  parseDuration,
  parseEnum,
  parseLabels,
  parsePageSize,
  parsePageToken,
  parseUint64,
  parseUuid,
} from '../requests/fields.ts';
import { takePage } from '../requests/page.ts';
import { processPage } from '../requests/process-page.ts';
import { SessionStream } from '../session-stream.ts';
import { assertSessionHeader, enterSession } from './enter-session.ts';

/** What the service is made with. */
export interface SessionServiceOptions {
  readonly sessions: SessionRegistry;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly audit: Audit;
}

const MODES = {
  [AttachMode.UNSPECIFIED]: 'take-over',
  [AttachMode.TAKE_OVER]: 'take-over',
  [AttachMode.REJECT_IF_ATTACHED]: 'reject-if-attached',
  [AttachMode.RESUME]: 'resume',
} as const;

/** `SessionService`, over a registry. */
export function sessionService({
  audit,
  clock,
  limits,
  sessions,
}: SessionServiceOptions): ServiceImpl<typeof SessionService> {
  return {
    createSession(request, context) {
      const { labels, sessionId } = request;
      const id = sessionId === '' ? undefined : parseUuid('session_id', sessionId);
      assertSessionHeader(context, id ?? '');
      const { defaultDetachedTtlMs, maxDetachedTtlMs, minDetachedTtlMs } = limits;
      const ttlMs = parseDuration('detached_ttl', request.detachedTtl, maxDetachedTtlMs);
      if (ttlMs !== undefined && ttlMs < minDetachedTtlMs) {
        throw invalidField('detached_ttl', `must be at least ${minDetachedTtlMs / 1000} s`);
      }
      const caller = callerOf(context);
      if (caller.sessionId !== undefined && caller.sessionId !== id) {
        throw new RunletError('SESSION_NOT_FOUND');
      }
      context.set(ROUTINE_DEED, { detail: '' });
      const session = sessions.create({
        id,
        owner: caller.name,
        labels: parseLabels('labels', labels),
        detachedTtlMs: ttlMs ?? defaultDetachedTtlMs,
      });
      context.annotate({ sessionId: session.id });
      context.defer(session.enter(undefined, () => {}));
      return { session: sessionMessage(session) };
    },

    getSession(request, context) {
      return { session: sessionMessage(enterSession(sessions, request, context)) };
    },

    listSessions({ pageSize, pageToken }, context) {
      const maximum = parsePageSize('page_size', pageSize);
      const after = parsePageToken('page_token', pageToken);
      const page = takePage(sessions.list(callerOf(context), after), maximum, sessionBytes);
      const last = page.items.at(-1);
      return {
        sessions: page.items.map(sessionMessage),
        nextPageToken:
          page.more && last !== undefined
            ? formatPageToken(sessions.placeOf(last, callerOf(context)))
            : '',
      };
    },

    async *attachSession(request, context) {
      const mode = parseEnum('mode', request.mode, MODES);
      const holder = parseHolder(request);
      if (mode === 'resume' && holder === undefined) {
        throw invalidField('holder_id', 'is required by ATTACH_MODE_RESUME');
      }
      const session = enterSession(sessions, request, context);
      const stream = new SessionStream({
        sessionId: session.id,
        clock,
        heartbeatMs: limits.heartbeatMs,
        maxQueued: limits.maxQueuedSessionEvents,
        onOverflow: (error) => context.fail(error),
      });
      const takesOver = session.attached;
      if (takesOver) assertRecordable(audit);
      const attachment = session.attach(mode, holder, {
        onEvent: (event) => stream.push(event),
        onEnd: (why) => context.fail(why),
      });
      context.defer(() => session.detach(attachment));
      if (takesOver) recordTakeOver(audit, context, mode);
      // Nothing is awaited since the attachment: what happens from here on is in the stream.
      if (sessions.draining) stream.push({ kind: 'draining' });
      const page = processPage(session, 0, MAX_PAGE_SIZE);
      const value = { attachmentId: attachment.id, session: sessionMessage(session), ...page };
      yield { event: { event: { case: 'attached', value } } };
      for await (const event of stream.follow(context.signal)) yield { event };
    },

    async closeSession(request, context) {
      const id = parseUuid('session_id', request.sessionId);
      assertSessionHeader(context, id);
      context.annotate({ sessionId: id });
      context.set(ROUTINE_DEED, { detail: '', goesOn: true });
      context.sendHeaders();
      await sessions.close(id, callerOf(context));
      return {};
    },
  };
}

/** Not when the call ends: it lasts as long as the attachment. */
function recordTakeOver(audit: Audit, context: CallContext, mode: string): void {
  const done = { outcome: 'ok', reason: '', detail: `taken over: ${mode}`, routine: true } as const;
  audit.record({ ...whoDidWhat(context), ...done });
}

/** Who attaches; undefined: nobody in particular. */
function parseHolder({ attempt, holderId }: AttachSessionRequest): Holder | undefined {
  if (holderId === '') return undefined;
  const id = parseUuid('holder_id', holderId);
  if (attempt === 0n) throw invalidField('attempt', 'is required with holder_id');
  return { id, attempt: parseUint64('attempt', attempt) };
}
