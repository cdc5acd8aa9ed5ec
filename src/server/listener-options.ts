import { type Address, formatAddress, isLoopback } from '../address.ts';
import type { Authenticator } from '../identity/authenticator.ts';
import type { AuthKind } from '../identity/principal.ts';
import { tellsPeers } from '../peer-credentials.ts';

/** A listener of a server, and who is let in over it. */
export interface ListenerOptions {
  readonly address: Address;
  /**
   * Who is let in, in the order in which they are asked. Empty: nobody, but that health is told.
   * Closed with the server.
   */
  readonly auth: readonly Authenticator[];
  /** Lets the listener be open, or tokens be sent in plaintext, beyond this machine. Default: false. */
  readonly allowInsecure?: boolean;
}

/**
 * Whoever reaches a listener may run commands, so none is open beyond this machine unless that
 * is meant.
 *
 * @throws Error that says what is not safe
 */
export function assertSafe({ address, allowInsecure = false, auth }: ListenerOptions): void {
  const where = formatAddress(address);
  const has = (kind: AuthKind): boolean => auth.some((one) => one.kind === kind);
  if (has('peer') && address.kind !== 'unix') {
    throw new Error(`${where}: the system tells the users of Unix sockets alone`);
  }
  if (has('peer') && !tellsPeers()) {
    throw new Error(`${where}: the system does not tell who connects, as --auth peer needs it`);
  }
  if (allowInsecure || isLoopback(address)) return;
  if (has('none')) {
    throw new Error(
      `refusing to listen on ${where} without authentication: it is not a loopback address`,
    );
  }
}
