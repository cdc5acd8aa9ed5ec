import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { DEAD_SESSION_LOOK_MS, DEAD_SESSION_LOOKS, STREAMS_BEFORE_GOAWAY } from '../limits.ts';

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
 * After too many streams that were reset it sends GOAWAY, too, and still what it is asked to. But it
 * wants to receive nothing more once no stream is open, so that Node.js reads nothing more either,
 * not even the answer to a PING.
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
  /** For so many looks there was neither an answer to it nor anything else. */
  let silent = 0;
  let lastReceived = 0;
  const streams = countStreams(session);
  const look = (): void => {
    if (session.destroyed) {
      if (ended) (kept as Socket | undefined)?.destroy();
      ended = true;
      return;
    }
    if (sentBefore !== undefined) {
      const { outboundQueueSize = 0 } = session.state;
      const sent = socket.bytesWritten !== sentBefore;
      if (!sent && outboundQueueSize > 0 && waitingBytes(socket) === 0) {
        // From here on the proxy that is its socket throws.
        session.destroy();
        return;
      }
      silent = socket.bytesRead === lastReceived ? silent + 1 : 0;
      lastReceived = socket.bytesRead;
      const mayHaveLeft = streams.open === 0 && streams.opened >= STREAMS_BEFORE_GOAWAY;
      if (silent >= DEAD_SESSION_LOOKS && mayHaveLeft) session.destroy();
      return;
    }
    const received = socket.bytesRead;
    if (received === receivedAlive) return;
    sentBefore = socket.bytesWritten;
    silent = 0;
    lastReceived = received;
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

/** The streams of a session. */
interface StreamCounts {
  readonly opened: number;
  readonly open: number;
}

function countStreams(session: ServerHttp2Session): StreamCounts {
  const counts = { opened: 0, open: 0 };
  session.on('stream', (stream: ServerHttp2Stream) => {
    counts.opened += 1;
    // It may have been reset in the same read of the socket.
    if (stream.destroyed) return;
    counts.open += 1;
    stream.once('close', () => {
      counts.open -= 1;
    });
  });
  return counts;
}

/** Bytes that a socket could not hand to the system. Undefined where Node.js does not tell. */
function waitingBytes(socket: object): unknown {
  const handle: unknown = Reflect.get(socket, '_handle');
  return typeof handle === 'object' && handle !== null
    ? Reflect.get(handle, 'writeQueueSize')
    : undefined;
}
