import { callErrorDetails, isCallError } from './call-error.ts';
import { callFailure } from './call-failure.ts';
import {
  ConnectionError,
  RemoteError,
  SessionLostError,
  type SessionLostReason,
} from './errors.ts';

/** What ends the session for this client, by the reason that the server gives. */
const LOST_REASONS: Readonly<Partial<Record<string, SessionLostReason>>> = {
  SESSION_NOT_FOUND: 'expired',
  SESSION_CLOSED: 'closed',
  ATTACHMENT_SUPERSEDED: 'superseded',
  DRAINING: 'server-shutdown',
};

/** Why a call that was refused shows that the session is gone; undefined: it does not. */
export function lostReason(error: RemoteError): SessionLostReason | undefined {
  return LOST_REASONS[error.reason ?? ''];
}

/**
 * Why another attempt to attach would be in vain, after one that failed; undefined: it would
 * not. `reached`: there was one that did not fail.
 */
export function finalLoss(
  failure: unknown,
  sessionId: string,
  reached: boolean,
): SessionLostError | undefined {
  let known: ReturnType<typeof callFailure>;
  try {
    known = callFailure(failure);
  } catch {
    return new SessionLostError('refused', sessionId, failure);
  }
  if (known.kind === 'connection') return undefined;
  if (known.kind === 'unreachable') return new SessionLostError('refused', sessionId, known.error);
  const { error } = known;
  if (known.kind === 'credentials') {
    return new SessionLostError('credentials-refused', sessionId, error);
  }
  // It did not read fast enough, which may be its machine's fault.
  if (error.reason === 'LIMIT_EXCEEDED' && reached) return undefined;
  return new SessionLostError(lostReason(error) ?? 'refused', sessionId, error);
}

/** Whether an attached stream ended because the session was closed. */
export function isClosed(failure: unknown): boolean {
  return isCallError(failure) && callErrorDetails(failure).info?.reason === 'SESSION_CLOSED';
}

/** Whether a session was lost since it ended, by whatever. */
export function isEnd({ reason }: SessionLostError): boolean {
  return reason === 'expired' || reason === 'closed';
}

/** The loss of a session that ended since this client was closing it. */
export function ownDoing({ cause, sessionId }: SessionLostError): SessionLostError {
  return new SessionLostError('left', sessionId, cause);
}

/** What is over when no attempt succeeded in time. `reached`: there was one before that did. */
export function windowPassed(cause: unknown, sessionId: string, reached: boolean): Error {
  if (reached) return new SessionLostError('window-passed', sessionId, cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ConnectionError(`the server cannot be reached: ${why}`, false, cause);
}

/** Whether the session is no longer there, whoever ended it. */
export function isGone(error: unknown): boolean {
  if (error instanceof RemoteError) {
    return error.reason === 'SESSION_NOT_FOUND' || error.reason === 'SESSION_CLOSED';
  }
  return (
    error instanceof SessionLostError &&
    (['expired', 'closed', 'server-shutdown'].includes(error.reason) || isGone(error.cause))
  );
}
