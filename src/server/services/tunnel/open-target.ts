import { invalidField } from '../../../errors.ts';
import type { TunnelOpen } from '../../../gen/runlet/v1/tunnel_pb.ts';
import { CONNECT_TIMEOUT_MS } from '../../../limits.ts';
import type { DialTarget } from '../../../network/dial-target.ts';
import { parseDuration, parseId, parseUuid } from '../../requests/fields.ts';
import { parsePath } from '../file/file-calls.ts';

/** Where a connection is to lead. */
export type OpenTarget =
  | {
      readonly kind: 'host';
      readonly target: DialTarget;
      readonly timeoutMs: number;
      /** In whose network; undefined: the server's. */
      readonly processId: string | undefined;
    }
  | {
      readonly kind: 'path';
      /** A text of system-text.ts. */
      readonly path: string;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'listener'; readonly connectionId: string };

/** @throws RunletError `INVALID_REQUEST` */
export function parseTarget(open: TunnelOpen): OpenTarget {
  const { connectionId, connectTimeout, host, port, processId, rawUnixPath, unixPath } = open;
  const isPath = unixPath !== '' || rawUnixPath.byteLength > 0;
  if ([host !== '', isPath, connectionId !== ''].filter(Boolean).length !== 1) {
    throw invalidField('open', 'must have one of host, unix_path, raw_unix_path, connection_id');
  }
  if (host === '' && port !== 0) throw invalidField('open.port', 'must be empty without host');
  if (host === '' && processId !== '') {
    throw invalidField('open.process_id', 'must be empty without host');
  }
  if (connectionId !== '') {
    if (connectTimeout !== undefined) {
      throw invalidField('open.connect_timeout', 'must be empty with connection_id');
    }
    return { kind: 'listener', connectionId: parseUuid('open.connection_id', connectionId) };
  }
  const timeoutMs = parseDuration('open.connect_timeout', connectTimeout) ?? CONNECT_TIMEOUT_MS;
  if (timeoutMs === 0) throw invalidField('open.connect_timeout', 'must be positive');
  if (isPath) {
    return { kind: 'path', path: parsePath('open.unix_path', unixPath, rawUnixPath), timeoutMs };
  }
  if (port < 1 || port > 65_535) throw invalidField('open.port', 'must be between 1 and 65535');
  const process = processId === '' ? undefined : parseId('open.process_id', processId);
  return { kind: 'host', target: { host, port }, timeoutMs, processId: process };
}
