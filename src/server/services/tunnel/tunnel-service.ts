import type { ServiceImpl } from '../../../bridge/types.ts';
import type { Clock } from '../../../clock.ts';
import type { TunnelService } from '../../../gen/runlet/v1/tunnel_pb.ts';
import type { Limits } from '../../../limits.ts';
import type { Dialer } from '../../../network/dialer.ts';
import type { SessionTunnels } from '../../../network/tunnels/session-tunnels.ts';
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
  /** Where the operator lets clients listen. Default: on loopback alone. */
  readonly listenRules?: { mayListen(host: string, port: number): boolean };
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
