import { status } from '@grpc/grpc-js';
import { CALL_IDS, type CallContext, contextKey } from '../bridge/call-context.ts';
import type { CallOutcome, Interceptor } from '../bridge/interceptor.ts';
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
  SANDBOX_REQUIRED: 'denied',
  START_FAILED: 'failed',
};

/** Which files a call is about that changes some, for its record: paths, never contents. */
export const CHANGED_FILES = contextKey('');

/**
 * Records each call that is denied, each start that fails, and each change of files, done or
 * failed: also one that ended with its call, of which a part may be done. What was started is
 * recorded there.
 */
export function auditCalls(audit: Audit): Interceptor {
  return async (_method, context, next) => {
    const outcome = await next();
    const { error } = outcome;
    const files = context.get(CHANGED_FILES);
    const known = error instanceof RunletError ? error : undefined;
    const recorded =
      (known && OUTCOMES[known.reason]) ?? (files === '' ? undefined : cameOf(outcome));
    if (recorded === undefined) return outcome;
    audit.record({
      ...whoDidWhat(context),
      ...(known === undefined ? {} : { principal: principalOf(context, known) }),
      outcome: recorded,
      reason: reasonOf(outcome),
      detail: (known && detailOf(known)) || files,
    });
    return outcome;
  };
}

/** What came of a change of files. */
function cameOf({ code }: CallOutcome): AuditRecord['outcome'] {
  return code === status.OK ? 'ok' : 'failed';
}

/** Why a call failed, as its client sees it. One that its client ended, or its deadline, has no error. */
function reasonOf({ code, error }: CallOutcome): string {
  if (error instanceof RunletError) return error.reason;
  return code === status.OK ? '' : (status[code] ?? '');
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
