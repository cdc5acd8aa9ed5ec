import type { Socket } from 'node:net';
import { peerOf } from '../peer-credentials.ts';
import { setConnection } from './connection.ts';
import { type Listener, listen } from './listener.ts';
import { assertSafe, type ListenerOptions } from './listener-options.ts';

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
  { address, auth }: ListenerOptions,
  onConnection: (socket: Socket) => void,
): Promise<Listener> {
  const asksPeer = auth.some(({ kind }) => kind === 'peer');
  const listener = await listen(address, (socket) => {
    const peerUid = asksPeer ? peerOf(socket)?.uid : undefined;
    setConnection(socket, { authenticators: auth, peerUid, certificate: undefined });
    onConnection(socket);
  });
  return {
    address: listener.address,
    async close() {
      await listener.close();
      for (const authenticator of auth) authenticator.close();
    },
  };
}
