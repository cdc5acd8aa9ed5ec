import type { Socket } from 'node:net';
import { systemClock } from '../clock.ts';
import type { AuthKind } from '../identity/principal.ts';
import { peerOf } from '../peer-credentials.ts';
import { SECOND } from '../units.ts';
import { setConnection } from './connection.ts';
import type { Door } from './door.ts';
import { type Listener, listen } from './listener.ts';
import { assertSafe, type ListenerOptions } from './listener-options.ts';
import type { ServerLog } from './server-log.ts';
import { sourceOf } from './source.ts';
import { endTls } from './tls/tls-ending.ts';

/** What {@link acceptAt} needs beside its listeners. */
export interface AcceptOptions {
  /** Every connection passes it first. */
  readonly door: Door;
  readonly onConnection: (socket: Socket) => void;
  /** Is told of connections that cannot be accepted. */
  readonly logger: ServerLog;
}

/**
 * Listens at every address, and hands over every connection, of whose socket is known who may be
 * let in over it.
 *
 * @throws Error if one cannot be bound, or is not safe; nothing listens then
 */
export async function acceptAt(
  listeners: readonly ListenerOptions[],
  options: AcceptOptions,
): Promise<readonly Listener[]> {
  listeners.forEach(assertSafe);
  const results = await Promise.allSettled(listeners.map((each) => accept(each, options)));
  const bound = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
  const failed = results.find((r) => r.status === 'rejected');
  if (failed === undefined) return bound;
  await Promise.all(bound.map((listener) => listener.close()));
  throw failed.reason;
}

async function accept(
  { address, auth, fd, socketMode, tls }: ListenerOptions,
  { door, logger, onConnection }: AcceptOptions,
): Promise<Listener> {
  const takes = (kind: AuthKind): boolean => auth.some((one) => one.kind === kind);
  const asksPeer = takes('peer');
  const ending = tls && endTls({ source: tls, asksClients: takes('mtls') });
  const take = (socket: Socket): void => {
    const peerUid = asksPeer ? peerOf(socket)?.uid : undefined;
    // Before the handshake of TLS, which is the first that costs something.
    const visit = door.enter(socket, sourceOf(socket, peerUid));
    if (visit === undefined) return;
    const { remoteAddress } = socket;
    const connection = { authenticators: auth, peerUid, remoteAddress, visit };
    if (ending === undefined) {
      setConnection(socket, { ...connection, certificate: undefined });
      onConnection(socket);
      return;
    }
    ending.take(socket, (secure, shown) => {
      setConnection(secure, { ...connection, ...shown });
      onConnection(secure);
    });
  };
  let toldAt = Number.NEGATIVE_INFINITY;
  const listener = await listen(address, take, {
    ...(fd === undefined ? {} : { fd }),
    ...(socketMode === undefined ? {} : { socketMode }),
    onProblem: (err) => {
      // There may be no descriptor left: one on which nobody was let in has to go.
      door.makeRoom();
      const now = systemClock.monotonic();
      if (now - toldAt < SECOND) return;
      toldAt = now;
      logger.warn({ err }, 'a connection could not be accepted');
    },
  });
  return {
    address: listener.address,
    file: listener.file,
    async close() {
      await listener.close();
      ending?.close();
      tls?.close();
      for (const authenticator of auth) authenticator.close();
    },
  };
}
