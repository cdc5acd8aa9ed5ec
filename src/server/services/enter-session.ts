import type { CallContext } from '../../bridge/call-context.ts';
import { invalidField } from '../../errors.ts';
import type { Session } from '../../session/session.ts';
import type { SessionRegistry } from '../../session/session-registry.ts';
import { callerOf } from '../caller.ts';
import { parseUuid } from '../requests/fields.ts';

/** The request header that repeats the session's id, for proxies to route by. */
const SESSION_HEADER = 'runlet-session-id';

/** What names a session in a request. */
export interface SessionReference {
  readonly sessionId: string;
  readonly attachmentId?: string;
}

/** @throws RunletError `INVALID_REQUEST` if the header is there and names another session */
export function assertSessionHeader(context: CallContext, sessionId: string): void {
  const header = context.header(SESSION_HEADER);
  if (header === undefined || header.toLowerCase() === sessionId) return;
  throw invalidField('session_id', `differs from the request header ${SESSION_HEADER}`);
}

/**
 * The session that a call names, which it holds until it is over. A call that
 * carries an attachment's id fails as soon as that is superseded, whatever its
 * handler is doing.
 *
 * @throws RunletError `INVALID_REQUEST`, `SESSION_NOT_FOUND`, `ATTACHMENT_SUPERSEDED`
 */
export function enterSession(
  sessions: SessionRegistry,
  { attachmentId = '', sessionId }: SessionReference,
  context: CallContext,
): Session {
  const id = parseUuid('session_id', sessionId);
  assertSessionHeader(context, id);
  const attachment = attachmentId === '' ? undefined : parseUuid('attachment_id', attachmentId);
  context.annotate({ sessionId: id });
  const session = sessions.get(id, callerOf(context));
  context.defer(session.enter(attachment, (why) => context.fail(why)));
  return session;
}
