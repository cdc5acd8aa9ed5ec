import { CALL_IDS, type CallContext, contextKey } from '../bridge/call-context.ts';
import type { Interceptor } from '../bridge/interceptor.ts';
import { type Reason, RunletError } from '../errors.ts';
import { ANYBODY } from '../identity/principal.ts';
import { shownText } from '../system-text.ts';
import { type Audit, type AuditRecord, actionOf } from '../telemetry/audit.ts';
import { callerOf } from './caller.ts';

/** What is recorded of the failures of calls. */
const OUTCOMES: Readonly<Partial<Record<Reason, AuditRecord['outcome']>>> = {
  UNAUTHENTICATED: 'denied',
  GRANT_MISSING: 'denied',
  POLICY_DENIED: 'denied',
  OUTSIDE_ROOT: 'denied',
  START_FAILED: 'failed',
};

/** Which files a call is about that changes some, for its record: paths, never contents. */
export const CHANGED_FILES = contextKey('');

/**
 * Records each call that is denied, each start that fails, and each change of files, done or
 * failed. What was started is recorded there.
 */
export function auditCalls(audit: Audit): Interceptor {
  return async (_method, context, next) => {
    const outcome = await next();
    const { error } = outcome;
    const files = context.get(CHANGED_FILES);
    if (error instanceof RunletError) {
      const failed = files !== '' && error.details.fileFailure !== undefined ? 'failed' : undefined;
      const recorded = OUTCOMES[error.reason] ?? failed;
      if (recorded === undefined) return outcome;
      audit.record({
        ...whoDidWhat(context),
        principal: principalOf(context, error),
        outcome: recorded,
        reason: error.reason,
        detail: detailOf(error) || files,
      });
    } else if (error === undefined && files !== '') {
      audit.record({ ...whoDidWhat(context), outcome: 'ok', reason: '', detail: files });
    }
    return outcome;
  };
}

/** What of a record is known by the call. */
export function whoDidWhat(
  context: CallContext,
): Pick<AuditRecord, 'action' | 'principal' | 'processId' | 'sessionId'> {
  const { processId = '', sessionId = '' } = context.get(CALL_IDS);
  return {
    principal: callerOf(context).name,
    action: actionOf(context.method),
    sessionId,
    processId,
  };
}

function principalOf(context: CallContext, { reason }: RunletError): string {
  const caller = callerOf(context);
  // Whoever was never let in is not anybody in particular.
  return reason === 'UNAUTHENTICATED' && caller === ANYBODY ? '' : caller.name;
}

/** What the caller is not told, where there is that. */
function detailOf({ cause, details }: RunletError): string {
  if (typeof cause === 'string') return cause;
  const { grant } = details.metadata ?? {};
  if (grant !== undefined) return grant;
  const { startFailure } = details;
  if (startFailure !== undefined) return `${startFailure.stage} ${startFailure.errnoName}`;
  return shownText(details.fileFailure?.path ?? '');
}
