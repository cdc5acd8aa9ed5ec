import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { RemoteSocket } from './remote-socket.ts';

/**
 * TLS over a connection through the server, between this program and the other side. It keeps the
 * program from ending as the connection does, and ends with it.
 *
 * @internal
 */
export function tlsOver(socket: RemoteSocket, host: string, options: ConnectionOptions): TLSSocket {
  const secured = connect({
    ...options,
    socket,
    host,
    // No name may be an address (RFC 6066, section 3).
    servername: options.servername ?? (isIP(host) === 0 ? host : ''),
  });
  // It knows nothing of what it is over.
  secured.ref = () => {
    socket.ref();
    return secured;
  };
  secured.unref = () => {
    socket.unref();
    return secured;
  };
  secured.once('close', () => socket.destroy());
  return secured;
}
