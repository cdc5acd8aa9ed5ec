import type { DescMethod, DescService } from '@bufbuild/protobuf';
import type { CallContext } from '../bridge/call-context.ts';
import type { Interceptor } from '../bridge/interceptor.ts';
import { methodPath } from '../bridge/types.ts';
import { RunletError } from '../errors.ts';
import { FileService } from '../gen/runlet/v1/file_pb.ts';
import { HttpService } from '../gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../gen/runlet/v1/process_pb.ts';
import { SessionService } from '../gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../gen/runlet/v1/tunnel_pb.ts';
import { AUDIT_RETRY_MS, MAX_CONNECTION_LOGINS } from '../limits.ts';
import type { Audit } from '../telemetry/audit.ts';
import { whoDidWhat } from './audit-calls.ts';
import { callerOf } from './caller.ts';
import { acceptedConnection } from './connection.ts';
import { needsOf } from './method-grants.ts';

/**
 * The paths of methods each call of which is recorded. `Interact` and `AttachSession` are, for some
 * of what they do, which asks for itself.
 */
const RECORDED: ReadonlySet<string> = new Set([
  ...pathsOf(SessionService, ['createSession', 'closeSession']),
  ...pathsOf(ProcessService, ['startProcess', 'run', 'signalProcess', 'terminateProcess']),
  ...FileService.methods.filter(changesFiles).map(methodPath),
  ...pathsOf(HttpService, ['request']),
  ...pathsOf(TunnelService, ['connect', 'listen']),
]);

function pathsOf<S extends DescService>(
  service: S,
  names: readonly (keyof S['method'])[],
): readonly string[] {
  return service.methods.filter(({ localName }) => names.includes(localName)).map(methodPath);
}

/** As those do that take more than `files:read`, but for those about uploads that a `WriteFile` has. */
function changesFiles(method: DescMethod): boolean {
  const ofUploads = /Upload$/.test(method.name);
  return !ofUploads && !needsOf(method).includes('files:read');
}

/** @throws RunletError `AUDIT_UNAVAILABLE` if nothing may be done now that is to be recorded */
export function assertRecordable({ refuses }: Audit): void {
  if (refuses) throw new RunletError('AUDIT_UNAVAILABLE', { retryAfterMs: AUDIT_RETRY_MS });
}

/**
 * Records the login of each caller of a connection, which is the first of its calls that it may
 * make, and refuses what could not be recorded before anything is done for it.
 */
export function recordLogins(audit: Audit): Interceptor {
  const logins = new WeakMap<object, Set<string>>();
  return (method, context, next) => {
    if (needsOf(method) === 'nothing') return next();
    recordLogin(audit, logins, context);
    if (RECORDED.has(context.method)) assertRecordable(audit);
    return next();
  };
}

function recordLogin(
  audit: Audit,
  logins: WeakMap<object, Set<string>>,
  context: CallContext,
): void {
  const connection = acceptedConnection(context);
  if (connection === undefined) return;
  const { remoteAddress } = connection;
  const names = logins.get(connection) ?? new Set();
  logins.set(connection, names);
  const { kind, name } = callerOf(context);
  if (names.has(name)) return;
  assertRecordable(audit);
  const [oldest] = names;
  if (names.size >= MAX_CONNECTION_LOGINS && oldest !== undefined) names.delete(oldest);
  names.add(name);
  audit.record({
    ...whoDidWhat(context),
    action: 'Login',
    outcome: 'ok',
    reason: '',
    detail: remoteAddress === undefined ? kind : `${kind} from ${remoteAddress}`,
    routine: true,
  });
}
