import { KIB, SECOND } from '../units.ts';

/* Connections: when they are closed, and what one may have that nobody was let in on. */

/**
 * How many more streams HTTP/2 lets a connection have than calls are taken: a client that waits
 * for a free one by itself would tell nobody why, and an error does.
 */
export const REFUSED_STREAMS = 128;

/**
 * Calls that begin in one turn of the event loop at most: a few milliseconds at the first, a fraction
 * of one when Node.js has compiled what they do. The others wait, and so many of one
 * connection that nothing more is read from it: a stream of HTTP/2 holds up to 64 KiB.
 */
export const MAX_CALLS_PER_TURN = 16;
export const MAX_WAITING_CALLS = 32;

/**
 * Connections that the system keeps until they are accepted, where its own bound (somaxconn) is not
 * lower. Over a Unix socket one beyond it is refused at once (EAGAIN of connect(2)), and the 511 that
 * Node.js asks for come together before a busy server looks.
 */
export const ACCEPT_BACKLOG = 4096;

/** Bytes of the path of a Unix socket: `sun_path` of unix(7) less its NUL; 4 fewer on macOS. */
export const MAX_SOCKET_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

/**
 * How long after an answer a connection is probed again, and how long the next
 * answer may take: a peer that vanished is noticed within their sum.
 */
export const DEFAULT_KEEPALIVE_MS = 20 * SECOND;
export const DEFAULT_KEEPALIVE_TIMEOUT_MS = 10 * SECOND;

/** How often it is looked whether a connection that has received something can still send. */
export const DEAD_SESSION_LOOK_MS = SECOND;

/**
 * How often it is looked whether the writes of a TLS connection still come to an end: two looks
 * are far less than a keepalive takes, and cost little.
 */
export const STUCK_TLS_LOOK_MS = SECOND / 2;

/**
 * From how many streams on nghttp2 may have said GOAWAY by itself, which it does after a
 * thousand that were reset; and for how many looks such a connection, of which no stream is open,
 * may answer nothing: as long as the answer to a probe may take.
 */
export const STREAMS_BEFORE_GOAWAY = 1000;
export const DEAD_SESSION_LOOKS = 10;

/**
 * From when a connection was accepted to its first call that is let in, the handshake of TLS
 * included: several times what both take over a bad network.
 */
export const FIRST_CALL_MS = 10 * SECOND;

/** How often connections on which nobody was let in yet are looked at, while there are any. */
export const DOOR_LOOK_MS = SECOND / 4;

/**
 * Bytes that a connection may receive in that time while nobody is let in on it: the largest
 * headers, and the 64 KiB of bodies that HTTP/2 lets a client send unasked, twice.
 */
export const MAX_UNSPOKEN_BYTES = 256 * KIB;

/** Calls that may be refused on such a connection before it is closed: each answer is 1 KiB. */
export const MAX_REFUSED_CALLS = 64;

/** Calls under way on it of which it is still being found out who makes them. */
export const MAX_UNKNOWN_CALLS = 256;

/**
 * Connections on which nothing but health was asked for, and such calls under way on one of
 * them: more load balancers than look at one server, and a `Watch` of each service.
 */
export const MAX_HEALTH_CONNECTIONS = 256;
export const MAX_HEALTH_CALLS = 8;

/**
 * How long the TLS handshake of a connection may take: two or three round trips, and the
 * packets that are lost of them.
 */
export const TLS_HANDSHAKE_MS = 10 * SECOND;
