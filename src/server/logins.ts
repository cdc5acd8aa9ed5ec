import type { CallContext } from '../bridge/call-context.ts';
import type { Interceptor } from '../bridge/interceptor.ts';
import { MAX_CONNECTION_LOGINS } from '../limits.ts';
import type { Audit } from '../telemetry/audit.ts';
import type { Meter } from '../telemetry/meter.ts';
import { whoDidWhat } from './audit-calls.ts';
import { assertCallRecordable, assertRecordable } from './audit-required.ts';
import { callerOf } from './caller.ts';
import { type AcceptedConnection, acceptedConnection } from './connection.ts';
import { needsOf } from './method-grants.ts';

/** The names of the callers that have come in over each connection, the latest last. */
type Known = WeakMap<AcceptedConnection, Set<string>>;

/**
 * Tells of the login of each caller of a connection, which is the first of its calls that it may
 * make, and refuses what could not be recorded before anything is done for it.
 */
export function recordLogins(audit: Audit, meter: Meter | undefined): Interceptor {
  const known: Known = new WeakMap();
  return (method, context, next) => {
    if (needsOf(method) === 'nothing') return next();
    recordLogin(audit, meter, known, context);
    assertCallRecordable(audit, context.method);
    return next();
  };
}

function recordLogin(
  audit: Audit,
  meter: Meter | undefined,
  known: Known,
  context: CallContext,
): void {
  const connection = acceptedConnection(context);
  if (connection === undefined) return;
  const { remoteAddress } = connection;
  const names = known.get(connection) ?? new Set();
  known.set(connection, names);
  const { kind, name } = callerOf(context);
  if (names.has(name)) return;
  assertRecordable(audit);
  const [oldest] = names;
  if (names.size >= MAX_CONNECTION_LOGINS && oldest !== undefined) names.delete(oldest);
  names.add(name);
  meter?.loggedIn(kind, true);
  audit.record({
    ...whoDidWhat(context),
    action: 'Login',
    outcome: 'ok',
    reason: '',
    detail: remoteAddress === undefined ? kind : `${kind} from ${remoteAddress}`,
    routine: true,
  });
}
