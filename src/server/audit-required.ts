import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { methodPath } from '../bridge/types.ts';
import { RunletError } from '../errors.ts';
import { FileService } from '../gen/runlet/v1/file_pb.ts';
import { HttpService } from '../gen/runlet/v1/http_pb.ts';
import { ProcessService } from '../gen/runlet/v1/process_pb.ts';
import { SessionService } from '../gen/runlet/v1/session_pb.ts';
import { TunnelService } from '../gen/runlet/v1/tunnel_pb.ts';
import { AUDIT_RETRY_MS } from '../limits.ts';
import type { Audit } from '../telemetry/audit.ts';
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

/** @throws RunletError `AUDIT_UNAVAILABLE` if a call is to be recorded, by its path, and that cannot be */
export function assertCallRecordable(audit: Audit, path: string): void {
  if (RECORDED.has(path)) assertRecordable(audit);
}
