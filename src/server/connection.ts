import type { Socket } from 'node:net';
import type { CallContext } from '../bridge/call-context.ts';
import type { Authenticator, Connection } from '../identity/authenticator.ts';
import type { Visit } from './door.ts';

/** A connection that a listener has accepted. */
export interface AcceptedConnection extends Connection {
  /** Who is let in over it, in the order in which they are asked. */
  readonly authenticators: readonly Authenticator[];
  /** Undefined: over a Unix socket. */
  readonly remoteAddress: string | undefined;
  /** Is told what becomes of it. */
  readonly visit: Visit;
}

/** Under which a socket has what is known of its connection. */
const CONNECTION = Symbol('the connection');

/** Says of a socket what is known of its connection. */
export function setConnection(socket: Socket, connection: AcceptedConnection): void {
  Object.defineProperty(socket, CONNECTION, { value: connection });
}

/**
 * What is known of the connection that a socket is of. The socket of an HTTP/2 session is a proxy
 * of the real one, which has the same properties:
 * https://nodejs.org/api/http2.html#http2sessionsocket.
 */
export function connectionOf(socket: object): unknown {
  return Reflect.get(socket, CONNECTION);
}

/** The connection of a call; undefined: it came over none of ours. */
export function acceptedConnection({
  peer,
}: Pick<CallContext, 'peer'>): AcceptedConnection | undefined {
  return peer as AcceptedConnection | undefined;
}
