import type { CallContext } from '../../../bridge/call-context.ts';
import type { Response } from '../../../bridge/types.ts';
import { invalidField } from '../../../errors.ts';
import type {
  ConnectRequest,
  ConnectResponseSchema,
  TunnelOpen,
} from '../../../gen/runlet/v1/tunnel_pb.ts';
import { targetText } from '../../../network/dial-target.ts';
import { Tunnel } from '../../../network/tunnels/tunnel.ts';
import { shownText } from '../../../system-text.ts';
import { NETWORK_OPENED, NETWORK_TARGET } from '../../audit-calls.ts';
import { withHeartbeats } from '../../heartbeats.ts';
import { connectMessage } from './connect-message.ts';
import { dial } from './dial.ts';
import { type OpenTarget, parseTarget } from './open-target.ts';
import { enterTunnels } from './tunnel-calls.ts';
import type { TunnelMethods, TunnelServiceOptions } from './tunnel-service.ts';

type ConnectResponse = Response<typeof ConnectResponseSchema>;

/** `Connect`. */
export function connect(options: TunnelServiceOptions): TunnelMethods<'connect'> {
  const { clock, limits } = options;
  return {
    async *connect(requests, context) {
      context.sendHeaders();
      const source = responses(options, requests[Symbol.asyncIterator](), context);
      yield* withHeartbeats(source, {}, limits.heartbeatMs, clock);
    },
  };
}

async function* responses(
  options: TunnelServiceOptions,
  requests: AsyncIterator<ConnectRequest>,
  context: CallContext,
): AsyncGenerator<ConnectResponse> {
  const first = await requests.next();
  const request = first.done === true ? undefined : first.value.request;
  if (request?.case !== 'open') throw invalidField('open', 'must come first');
  const tunnel = await openTunnel(options, request.value, context);
  context.set(NETWORK_OPENED, true);
  // However the call ends. One that is closed already is not touched.
  context.defer(() => tunnel.reset());
  // It goes on beside what comes.
  void takeRequests(tunnel, requests).catch((error: unknown) => context.fail(error));
  for await (const message of tunnel.messages()) yield connectMessage(message);
}

async function openTunnel(
  options: TunnelServiceOptions,
  open: TunnelOpen,
  context: CallContext,
): Promise<Tunnel> {
  const { clock, limits, tunnelsOf } = options;
  const call = enterTunnels(options, open, context);
  const target = parseTarget(open);
  context.set(NETWORK_TARGET, targetOf(target));
  const tunnels = tunnelsOf(call.session);
  const idleMs = limits.tunnelIdleMs;
  if (target.kind === 'listener') {
    const taken = tunnels.take(target.connectionId);
    context.defer(tunnels.countTunnel());
    return new Tunnel({ ...taken, clock, idleMs });
  }
  context.defer(tunnels.countTunnel());
  return new Tunnel({ ...(await dial(options, target, call, context)), clock, idleMs });
}

/** Where it leads, for the audit. */
function targetOf(target: OpenTarget): string {
  switch (target.kind) {
    case 'host':
      return targetText(target.target);
    case 'path':
      return shownText(target.path);
    case 'listener':
      return `connection ${target.connectionId}`;
  }
}

/** Sends what the client sends, no faster than it is taken. */
async function takeRequests(
  tunnel: Tunnel,
  requests: AsyncIterator<ConnectRequest>,
): Promise<void> {
  let ended = false;
  for (;;) {
    const next = await requests.next();
    if (next.done === true) break;
    const { request } = next.value;
    if (request.case === 'open') throw invalidField('open', 'must come first, and only then');
    if (ended && request.case === 'data') throw invalidField('data', 'must not come after eof');
    if (request.case === 'data') await tunnel.write(request.value);
    if (request.case === 'eof') {
      ended = true;
      tunnel.end();
    }
  }
  // Nothing is known of what would have come.
  if (!ended && !tunnel.over) throw invalidField('eof', 'must come before the stream ends');
}
