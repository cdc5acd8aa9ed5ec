import { invalidField } from '../../../errors.ts';
import type { TunnelOpen } from '../../../gen/runlet/v1/tunnel_pb.ts';
import { CONNECT_TIMEOUT_MS } from '../../../limits.ts';
import type { DialTarget } from '../../../network/dial-target.ts';
import { parseDuration, parseUuid } from '../../requests/fields.ts';

/** Where a connection is to lead. */
export type OpenTarget =
  | { readonly kind: 'dial'; readonly target: DialTarget; readonly timeoutMs: number }
  | { readonly kind: 'take'; readonly connectionId: string };

/** @throws RunletError `INVALID_REQUEST` */
export function parseTarget(open: TunnelOpen): OpenTarget {
  const { connectionId, host, port } = open;
  const timeoutMs = parseDuration('open.connect_timeout', open.connectTimeout);
  if ((host === '') === (connectionId === '')) {
    throw invalidField('open', 'must have one of host, unix_path, raw_unix_path, connection_id');
  }
  if (connectionId !== '') {
    return { kind: 'take', connectionId: parseUuid('open.connection_id', connectionId) };
  }
  if (port < 1 || port > 65_535) throw invalidField('open.port', 'must be between 1 and 65535');
  if (timeoutMs === 0) throw invalidField('open.connect_timeout', 'must be positive');
  return { kind: 'dial', target: { host, port }, timeoutMs: timeoutMs ?? CONNECT_TIMEOUT_MS };
}
