import type { CallContext } from '../../../bridge/call-context.ts';
import type { ServiceImpl } from '../../../bridge/types.ts';
import type { Clock } from '../../../clock.ts';
import type { FileOperations } from '../../../files/workers/file-operations.ts';
import type { TunnelService } from '../../../gen/runlet/v1/tunnel_pb.ts';
import type { Limits } from '../../../limits.ts';
import type { Dialer } from '../../../network/dialer.ts';
import type { ListenRules } from '../../../network/egress/listen-rules.ts';
import type { OwnListeners } from '../../../network/own-listeners.ts';
import type { SessionTunnels } from '../../../network/tunnels/session-tunnels.ts';
import type { Sandboxes } from '../../../sandbox/sandboxes.ts';
import type { SessionRegistry } from '../../../session/session-registry.ts';
import { connect } from './connect.ts';
import { listPorts } from './list-ports.ts';
import { listen } from './listen.ts';

/** What the service is made with. */
export interface TunnelServiceOptions {
  readonly sessions: SessionRegistry;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Where the operator lets callers listen. */
  readonly listenRules: ListenRules;
  /** Where the server itself listens. */
  readonly own: OwnListeners;
  /** What finds sockets of the file system. */
  readonly workers: FileOperations;
  /** Whether they can be reached without a sandbox. */
  readonly sandboxes: Pick<Sandboxes, 'required'>;
  /**
   * Says whether a caller may touch files at all, beyond its grants.
   *
   * @throws RunletError `POLICY_DENIED`
   */
  readonly admitFiles: (context: CallContext) => void;
  /** The connections of each session. */
  readonly tunnelsOf: (session: object) => SessionTunnels;
  /** Makes an unpredictable UUID. */
  readonly newId: () => string;
}

/** The methods of the service with some names. */
export type TunnelMethods<K extends keyof ServiceImpl<typeof TunnelService>> = Pick<
  ServiceImpl<typeof TunnelService>,
  K
>;

/** `TunnelService`: translates requests to connections, and nothing more. */
export function tunnelService(options: TunnelServiceOptions): ServiceImpl<typeof TunnelService> {
  return { ...connect(options), ...listen(options), ...listPorts(options) };
}
