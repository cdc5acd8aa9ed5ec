import type { Session } from '../session/session.ts';
import type { SessionEnd } from '../session/session-state.ts';
import type { Audit } from '../telemetry/audit.ts';

/** Records sessions that end though nobody asked for it. */
export function auditEnds(audit: Audit): (session: Session, cause: SessionEnd) => void {
  return ({ id, owner }, cause) => {
    // Who closes one is recorded with the call.
    if (cause === 'closed') return;
    audit.record({
      principal: owner,
      action: cause === 'expired' ? 'ExpireSession' : 'EndSession',
      sessionId: id,
      processId: '',
      outcome: 'ok',
      reason: '',
      detail: cause === 'expired' ? '' : 'the server shuts down',
      routine: true,
    });
  };
}
