import type { CallContext } from '../../../bridge/call-context.ts';
import type { Session } from '../../../session/session.ts';
import type { Asker } from '../../../turn-queue.ts';
import { callerOf } from '../../caller.ts';
import { enterSession, type SessionReference } from '../enter-session.ts';
import type { TunnelServiceOptions } from './tunnel-service.ts';

/** The session that a call is for, and who asks. */
export interface TunnelCall {
  readonly session: Session;
  readonly asker: Asker;
}

/**
 * Enters the session that a call names, with which it ends.
 *
 * @throws RunletError `INVALID_REQUEST`, `SESSION_NOT_FOUND`, `ATTACHMENT_SUPERSEDED`
 */
export function enterTunnels(
  { sessions }: TunnelServiceOptions,
  reference: SessionReference,
  context: CallContext,
): TunnelCall {
  const session = enterSession(sessions, reference, context);
  context.defer(session.whenOver((why) => context.fail(why)));
  return { session, asker: { principal: callerOf(context).name, asker: session } };
}
