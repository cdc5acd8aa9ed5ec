import type { CallContext } from '../../../bridge/call-context.ts';
import type { Response } from '../../../bridge/types.ts';
import { invalidField, RunletError } from '../../../errors.ts';
import {
  type ConnectRequest,
  type ConnectResponseSchema,
  TunnelEnd,
  type TunnelOpen,
} from '../../../gen/runlet/v1/tunnel_pb.ts';
import { CONNECT_TIMEOUT_MS } from '../../../limits.ts';
import { DialError } from '../../../network/dial-error.ts';
import type { Dialed } from '../../../network/dialer.ts';
import { callerOf } from '../../caller.ts';
import { withHeartbeats } from '../../heartbeats.ts';
import { parseDuration } from '../../requests/fields.ts';
import { enterSession } from '../enter-session.ts';
import type { TunnelMethods, TunnelServiceOptions } from './tunnel-service.ts';

/** `Connect`. */
export function connect(options: TunnelServiceOptions): TunnelMethods<'connect'> {
  const { clock, limits } = options;
  return {
    async *connect(requests, context) {
      context.sendHeaders();
      const incoming = requests[Symbol.asyncIterator]();
      const first = await incoming.next();
      const open = first.done ? undefined : first.value.request;
      if (open?.case !== 'open') throw invalidField('open', 'must come first');
      const dialed = await dialFor(options, open.value, context);
      context.defer(() => dialed.socket.resetAndDestroy());
      yield* withHeartbeats(messages(dialed, incoming, context), {}, limits.heartbeatMs, clock);
    },
  };
}

async function dialFor(
  { dialer, sessions }: TunnelServiceOptions,
  open: TunnelOpen,
  context: CallContext,
): Promise<Dialed> {
  const session = enterSession(sessions, open, context);
  context.defer(session.whenOver((why) => context.fail(why)));
  if (open.host === '') throw invalidField('open.host', 'is required');
  if (open.port < 1 || open.port > 65_535) {
    throw invalidField('open.port', 'must be between 1 and 65535');
  }
  const asker = { principal: callerOf(context).name, asker: session };
  const timeoutMs =
    parseDuration('open.connect_timeout', open.connectTimeout) ?? CONNECT_TIMEOUT_MS;
  try {
    return await dialer.dial(open, { asker, timeoutMs, signal: context.signal });
  } catch (error) {
    throw error instanceof DialError ? tunnelError(error) : error;
  }
}

/** What the caller is told of a connection that could not be made. */
function tunnelError({ failure }: DialError): RunletError {
  const { errnoName, message, rule, stage, target } = failure;
  return new RunletError(stage === 'DENIED' ? 'EGRESS_DENIED' : 'TUNNEL_FAILED', {
    message,
    tunnelFailure: { stage, errnoName, message, target },
    cause: rule,
  });
}

async function* messages(
  { address, socket }: Dialed,
  incoming: AsyncIterator<ConnectRequest>,
  context: CallContext,
): AsyncGenerator<Response<typeof ConnectResponseSchema>> {
  void send(socket, incoming).catch((error: unknown) => context.fail(error));
  const { remotePort } = socket;
  const peer = address.includes(':') ? `[${address}]:${remotePort}` : `${address}:${remotePort}`;
  yield { response: { case: 'opened' as const, value: { peer } } };
  let kind = TunnelEnd.CLOSED;
  try {
    for await (const data of socket.iterator({ destroyOnReturn: false })) {
      yield { response: { case: 'data' as const, value: data } };
    }
    yield { response: { case: 'eof' as const, value: {} } };
    if (!socket.writableFinished) await new Promise((resolve) => socket.once('close', resolve));
    if (!socket.writableFinished) kind = TunnelEnd.RESET;
  } catch {
    kind = TunnelEnd.RESET;
  }
  const value = {
    kind,
    sentBytes: BigInt(socket.bytesWritten),
    receivedBytes: BigInt(socket.bytesRead),
  };
  yield { response: { case: 'end' as const, value } };
}

/** Writes what the client sends, no faster than it is taken. */
async function send(socket: Dialed['socket'], incoming: AsyncIterator<ConnectRequest>) {
  for (;;) {
    const next = await incoming.next();
    if (next.done) throw invalidField('eof', 'must come before the stream ends');
    const { request } = next.value;
    if (request.case === 'eof') {
      socket.end();
      return;
    }
    if (request.case !== 'data') throw invalidField('open', 'must come first, and only then');
    await new Promise<void>((resolve) => socket.write(request.value, () => resolve()));
  }
}
