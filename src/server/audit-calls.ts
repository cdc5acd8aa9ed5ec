import { status } from '@grpc/grpc-js';
import { CALL_IDS, type CallContext, contextKey } from '../bridge/call-context.ts';
import type { CallOutcome, Interceptor } from '../bridge/interceptor.ts';
import { RunletError } from '../errors.ts';
import { ANYBODY } from '../identity/principal.ts';
import { shownText } from '../system-text.ts';
import { type AskedProgram, type Audit, type AuditRecord, actionOf } from '../telemetry/audit.ts';
import { callerOf } from './caller.ts';
import { isDenial } from './denials.ts';

/** Something that a call does or tries to, for its record. */
export interface Deed {
  /** What exactly. */
  readonly detail: string;
  /** Whether it goes on where its call ends before. Default: false. */
  readonly goesOn?: boolean;
}

/** What a call does that is routine: see {@link AuditRecord.routine}. */
export const ROUTINE_DEED = contextKey<Deed | undefined>(undefined);

/** What a call is to start, until that is done. */
export const STARTING = contextKey<AskedProgram | undefined>(undefined);

/** Which files a call is about that changes some, for its record: paths, never contents. */
export const CHANGED_FILES = contextKey('');

/**
 * Where a call leads that sends an HTTP request, connects or listens, for its record: the method
 * and origin of the first, `host:port` or the path of a socket; never paths of URLs, queries,
 * headers.
 */
export const NETWORK_TARGET = contextKey('');

/** Whether what it leads to was opened, however it ended then: a connection, a listener. */
export const NETWORK_OPENED = contextKey(false);

/**
 * Records each call that is denied, each start that fails, each change of files, each
 * HTTP request, connection and listener, and what is routine, done or
 * failed: also one that ended with its call, of which a part may be done. What was started is
 * recorded there.
 */
export function auditCalls(audit: Audit): Interceptor {
  return async (_method, context, next) => {
    const outcome = await next();
    const { error } = outcome;
    const files = context.get(CHANGED_FILES);
    const network = context.get(NETWORK_TARGET);
    const known = error instanceof RunletError ? error : undefined;
    const deed = context.get(ROUTINE_DEED);
    const found = failureOf(known);
    if (found === undefined && deed !== undefined) recordDeed(audit, context, deed, outcome);
    const recorded =
      found ??
      (files === '' && network === ''
        ? undefined
        : context.get(NETWORK_OPENED)
          ? 'ok'
          : cameOf(outcome));
    if (recorded === undefined) return outcome;
    const detail = detailOfCall(network, known) || files;
    const starting = context.get(STARTING);
    audit.record({
      ...whoDidWhat(context),
      ...(known === undefined ? {} : { principal: principalOf(context, known) }),
      outcome: recorded,
      reason: reasonOf(outcome),
      detail: starting === undefined ? detail : audit.detailOfStart(starting, detail),
    });
    return outcome;
  };
}

/** What is recorded of the failure of a call, whatever it is for. */
function failureOf(error: RunletError | undefined): AuditRecord['outcome'] | undefined {
  if (isDenial(error)) return 'denied';
  return error?.reason === 'START_FAILED' ? 'failed' : undefined;
}

/** Records what is routine, of a call that is over. */
function recordDeed(
  audit: Audit,
  context: CallContext,
  { detail, goesOn = false }: Deed,
  outcome: CallOutcome,
): void {
  const lasts = goesOn && outcome.code !== status.OK && !(outcome.error instanceof RunletError);
  audit.record({
    ...whoDidWhat(context),
    outcome: lasts ? 'ok' : cameOf(outcome),
    reason: reasonOf(outcome),
    detail,
    routine: true,
  });
}

/** Where a call led, and which rule denied it. */
function detailOfCall(network: string, error: RunletError | undefined): string {
  const detail = error === undefined ? '' : detailOf(error);
  if (network === '' || detail === '') return network || detail;
  return `${network} ${detail}`;
}

/** What came of a change of files, or of a way into the network. */
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
