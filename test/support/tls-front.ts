import { connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import type { Identity } from './certificates.ts';

/** Where TLS ends before a server. */
export interface TlsFront {
  readonly address: Address & { readonly kind: 'tcp' };
  /** Ends every connection. */
  cut(): void;
}

/**
 * Opens a port of this machine with TLS, and hands all that comes to a server. `clients`: the
 * authority that has to have signed the certificates of those who connect. Default: they need none.
 */
export async function startTlsFront(
  target: Address,
  { certificate, key }: Identity,
  clients?: Identity,
): Promise<TlsFront> {
  const to =
    target.kind === 'unix' ? { path: target.path } : { host: target.host, port: target.port };
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer(
    {
      key,
      cert: certificate,
      ALPNProtocols: ['h2'],
      ...(clients === undefined ? {} : { ca: clients.certificate, requestCert: true }),
    },
    (inner) => {
      const outer = connect(to);
      keep(inner);
      keep(outer);
      inner.pipe(outer);
      outer.pipe(inner);
      inner.once('close', () => outer.destroy());
      outer.once('close', () => inner.destroy());
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return { address: { kind: 'tcp', host: '127.0.0.1', port }, cut };
}
