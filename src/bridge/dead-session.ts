import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { DEAD_SESSION_LOOK_MS } from '../limits.ts';

/** Bytes of a PING frame, and of its acknowledgment: RFC 9113, sections 4.1 and 6.7. */
const PING_BYTES = 17;

/** Under which a socket has itself: that of a session is a proxy, which is of no use once it ended. */
const SELF = Symbol('the socket');

/** Lets {@link endWhenDead} close the socket of a session, to be called before that is made. */
export function keepSocket(socket: Socket): void {
  Object.defineProperty(socket, SELF, { value: socket });
}

/**
 * Ends an HTTP/2 session that has ended by itself. After some errors of the protocol nghttp2 sends
 * GOAWAY and does nothing more, of which Node.js is not told: the connection would stay until
 * a keepalive failed, though its peer were gone. What such a session is asked to send stays
 * in its queue, though its socket takes everything. So one that has received something is asked
 * to send a PING.
 *
 * Node.js ends the socket of a session that is over, and waits for the peer to end it, too, without
 * reading what that sends. A peer that does not has it closed after a moment.
 */
export function endWhenDead(session: ServerHttp2Session): void {
  const { socket } = session;
  const kept: unknown = Reflect.get(socket, SELF);
  let ended = false;
  /** What had been received when it was last known to live. */
  let receivedAlive = -1;
  /** What had been sent before the PING that was not answered yet. */
  let sentBefore: number | undefined;
  const look = (): void => {
    if (session.destroyed) {
      if (ended) (kept as Socket | undefined)?.destroy();
      ended = true;
      return;
    }
    if (sentBefore !== undefined) {
      const { outboundQueueSize = 0 } = session.state;
      const sent = socket.bytesWritten !== sentBefore;
      if (!sent && outboundQueueSize > 0 && waitingBytes(socket) === 0) session.destroy();
      return;
    }
    const received = socket.bytesRead;
    if (received === receivedAlive) return;
    sentBefore = socket.bytesWritten;
    session.ping((error) => {
      sentBefore = undefined;
      // What came together with the answer has to be followed by another one.
      if (error === null && !session.destroyed && socket.bytesRead === received + PING_BYTES) {
        receivedAlive = socket.bytesRead;
      }
    });
  };
  const timer = setInterval(look, DEAD_SESSION_LOOK_MS).unref();
  session.once('close', () => clearInterval(timer));
}

/** Bytes that a socket could not hand to the system. Undefined where Node.js does not tell. */
function waitingBytes(socket: object): unknown {
  const handle: unknown = Reflect.get(socket, '_handle');
  return typeof handle === 'object' && handle !== null
    ? Reflect.get(handle, 'writeQueueSize')
    : undefined;
}
