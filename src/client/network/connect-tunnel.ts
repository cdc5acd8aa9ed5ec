import type { MessageInitShape } from '@bufbuild/protobuf';
import type { TunnelOpenSchema } from '../../gen/runlet/v1/tunnel_pb.ts';
import { RunletClientError } from '../client-error.ts';
import { pathFields } from '../files/remote-path.ts';
import { duration } from '../numbers.ts';
import type { SystemText } from '../process-spec.ts';
import type { SessionCalls } from '../session-calls.ts';
import { openCall } from './network-call.ts';
import {
  type ConnectTarget,
  checkConnectTarget,
  checkTunnelOptions,
  type TunnelOptions,
} from './network-options.ts';
import { assertHasNetwork } from './network-support.ts';
import { type ConnectMessage, RemoteSocket, type TunnelCall } from './remote-socket.ts';

type Open = MessageInitShape<typeof TunnelOpenSchema>;

/**
 * A connection through the server's machine, once it stands. It is never made twice.
 *
 * @throws TunnelError, RemoteError, OptionError, SessionLostError, ConnectionError
 *
 * @internal
 */
export async function connectTunnel(
  calls: SessionCalls,
  target: ConnectTarget,
  options: TunnelOptions = {},
): Promise<RemoteSocket> {
  checkConnectTarget(target);
  checkTunnelOptions(options);
  const { connectTimeoutMs, processId, signal } = options;
  const fields =
    'path' in target ? unixFields(target.path) : { host: target.host, port: target.port };
  const socket = await openTunnel(
    calls,
    {
      ...fields,
      ...(processId !== undefined && { processId }),
      ...(connectTimeoutMs !== undefined && {
        connectTimeout: duration('connectTimeoutMs', connectTimeoutMs),
      }),
    },
    signal,
  );
  if (signal !== undefined) destroyOn(signal, socket);
  return socket;
}

/** The connection of a listener, once it is taken over. @internal */
export function takeConnection(
  calls: SessionCalls,
  connectionId: string,
  signal: AbortSignal | undefined,
): Promise<RemoteSocket> {
  return openTunnel(calls, { connectionId }, signal);
}

function openTunnel(
  calls: SessionCalls,
  open: Open,
  signal: AbortSignal | undefined,
): Promise<RemoteSocket> {
  return openCall(
    calls,
    signal,
    ({ generation }, requests: AsyncIterable<ConnectMessage>, callOptions) =>
      generation.network.tunnels.connect(requests, callOptions),
    async (call, target) => {
      await assertHasNetwork('tunnels', target);
      void call.send({ request: { case: 'open', value: { ...target.ids, ...open } } });
      return new RemoteSocket(call, await peerOf(call), () => calls.hold());
    },
  );
}

async function peerOf(call: TunnelCall): Promise<string> {
  for (;;) {
    const message = await call.next();
    if (message?.response.case === 'opened') return message.response.value.peer;
    if (message === undefined || message.response.case !== undefined) {
      throw new RunletClientError('PROTOCOL', 'the server did not say that a connection stands');
    }
  }
}

function unixFields(path: SystemText): Open {
  const { path: unixPath, rawPath: rawUnixPath } = pathFields('path', path);
  if (rawUnixPath !== undefined) return { rawUnixPath };
  return unixPath === undefined ? {} : { unixPath };
}

function destroyOn(signal: AbortSignal, socket: RemoteSocket): void {
  const abort = (): void => void socket.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', abort));
  if (signal.aborted) abort();
}
