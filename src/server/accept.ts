import type { Socket } from 'node:net';
import type { AuthKind } from '../identity/principal.ts';
import { peerOf } from '../peer-credentials.ts';
import { setConnection } from './connection.ts';
import { type Listener, listen } from './listener.ts';
import { assertSafe, type ListenerOptions } from './listener-options.ts';
import { endTls } from './tls/tls-ending.ts';

/**
 * Listens at every address, and hands over every connection, of whose socket is known who may be
 * let in over it.
 *
 * @throws Error if one cannot be bound, or is not safe; nothing listens then
 */
export async function acceptAt(
  options: readonly ListenerOptions[],
  onConnection: (socket: Socket) => void,
): Promise<readonly Listener[]> {
  options.forEach(assertSafe);
  const results = await Promise.allSettled(options.map((each) => accept(each, onConnection)));
  const listeners = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
  const failed = results.find((r) => r.status === 'rejected');
  if (failed === undefined) return listeners;
  await Promise.all(listeners.map((listener) => listener.close()));
  throw failed.reason;
}

async function accept(
  { address, auth, tls }: ListenerOptions,
  onConnection: (socket: Socket) => void,
): Promise<Listener> {
  const takes = (kind: AuthKind): boolean => auth.some((one) => one.kind === kind);
  const asksPeer = takes('peer');
  const ending =
    tls &&
    endTls({
      source: tls,
      asksClients: takes('mtls'),
      onSecure(socket, shown) {
        setConnection(socket, { authenticators: auth, peerUid: undefined, ...shown });
        onConnection(socket);
      },
    });
  const listener = await listen(address, (socket) => {
    if (ending !== undefined) {
      ending.take(socket);
      return;
    }
    const peerUid = asksPeer ? peerOf(socket)?.uid : undefined;
    setConnection(socket, { authenticators: auth, peerUid, certificate: undefined });
    onConnection(socket);
  });
  return {
    address: listener.address,
    async close() {
      await listener.close();
      ending?.close();
      tls?.close();
      for (const authenticator of auth) authenticator.close();
    },
  };
}
