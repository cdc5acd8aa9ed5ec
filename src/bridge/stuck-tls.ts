import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { STUCK_TLS_LOOK_MS } from '../limits.ts';

/**
 * Cuts a TLS connection whose writes do not come to an end any more. Where the system refuses one at
 * once (the peer has reset the connection, and what it sent before is not read yet), Node.js
 * takes it for under way for ever (https://github.com/nodejs/node/issues/55804). HTTP/2 waits for
 * it before it reads on, so that nobody was told that the connection is gone until a keepalive
 * failed.
 *
 * Such a write shows: TLS waits for it though the socket below has nothing to send. While one
 * goes on that is so for one turn of the event loop at most, and never for two looks.
 */
export function cutWhenStuck(secure: TLSSocket, raw: Socket): void {
  /** What the socket below had sent when a write was found waiting for nothing; else undefined. */
  let sentBefore: number | undefined;
  const look = (): void => {
    const waits = waitingBytes(secure) > 0 && waitingBytes(raw) === 0;
    const sent = waits ? raw.bytesWritten : undefined;
    if (sent !== undefined && sent === sentBefore) secure.destroy();
    sentBefore = sent;
  };
  const timer = setInterval(look, STUCK_TLS_LOOK_MS).unref();
  secure.once('close', () => clearInterval(timer));
}

/** Bytes that a socket has taken and did not send yet; NaN where Node.js does not tell. */
function waitingBytes(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return Number.NaN;
  return Number(Reflect.get(handle, 'writeQueueSize'));
}
