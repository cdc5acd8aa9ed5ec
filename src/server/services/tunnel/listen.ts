import { isIP } from 'node:net';
import type { CallContext } from '../../../bridge/call-context.ts';
import type { Response } from '../../../bridge/types.ts';
import { invalidField, RunletError } from '../../../errors.ts';
import type { ListenRequest, ListenResponseSchema } from '../../../gen/runlet/v1/tunnel_pb.ts';
import { type DialTarget, targetText } from '../../../network/dial-target.ts';
import { openListener } from '../../../network/tunnels/listener.ts';
import { NETWORK_OPENED, NETWORK_TARGET } from '../../audit-calls.ts';
import { withHeartbeats } from '../../heartbeats.ts';
import { enterTunnels } from './tunnel-calls.ts';
import type { TunnelMethods, TunnelServiceOptions } from './tunnel-service.ts';

/** Where it listens if nothing is said, and what `localhost` is. */
const LOCALHOST = '127.0.0.1';

/** `Listen`. */
export function listen(options: TunnelServiceOptions): TunnelMethods<'listen'> {
  const { clock, limits } = options;
  return {
    async *listen(request, context) {
      context.sendHeaders();
      const source = responses(options, request, context);
      yield* withHeartbeats(source, {}, limits.heartbeatMs, clock);
    },
  };
}

async function* responses(
  options: TunnelServiceOptions,
  request: ListenRequest,
  context: CallContext,
): AsyncGenerator<Response<typeof ListenResponseSchema>> {
  const { clock, listenRules, newId, tunnelsOf } = options;
  const { session } = enterTunnels(options, request, context);
  const target = parseListen(request);
  context.set(NETWORK_TARGET, targetText(target));
  if (!listenRules.mayListen(target.host, target.port)) throw new RunletError('LISTEN_DENIED');
  const tunnels = tunnelsOf(session);
  context.defer(tunnels.countListener());
  const listener = await openListener(target, { tunnels, clock, newId });
  context.defer(() => listener.close());
  context.set(NETWORK_OPENED, true);
  yield { response: { case: 'listening', value: { ...listener.address } } };
  for await (const { id, peer } of listener.arrivals()) {
    yield { response: { case: 'connection', value: { connectionId: id, peer } } };
  }
}

function parseListen({ host, port }: ListenRequest): DialTarget {
  if (port > 65_535) throw invalidField('port', 'must be at most 65535');
  if (host === '' || host.toLowerCase() === 'localhost') return { host: LOCALHOST, port };
  if (isIP(host) === 0) throw invalidField('host', 'must be an address or localhost');
  return { host, port };
}
