import { type Address, formatAddress, isLoopback } from '../address.ts';
import type { Authenticator } from '../identity/authenticator.ts';
import type { AuthKind } from '../identity/principal.ts';
import { tellsPeers } from '../peer-credentials.ts';
import type { TlsSource } from './tls/tls-source.ts';

/** A listener of a server, and who is let in over it. */
export interface ListenerOptions {
  readonly address: Address;
  /** The descriptor of a socket that listens there already. Default: one is made. */
  readonly fd?: number;
  /**
   * Who is let in, in the order in which they are asked. Empty: nobody, but that health is told.
   * Closed with the server.
   */
  readonly auth: readonly Authenticator[];
  /** What TLS is ended with. Closed with the server. Default: the listener is plaintext. */
  readonly tls?: TlsSource | undefined;
  /** Lets the listener be open, or tokens be sent in plaintext, beyond this machine. Default: false. */
  readonly allowInsecure?: boolean;
  /** The mode of a Unix socket; the one that it has, with `fd`. Default: 0600, for its user alone. */
  readonly socketMode?: number;
}

/** The part of a mode that is of others than the user. */
const OF_OTHERS = 0o077;

/**
 * Whoever reaches a listener may run commands, so none is open beyond this machine unless that
 * is meant.
 *
 * @throws Error that says what is not safe
 */
export function assertSafe({
  address,
  allowInsecure = false,
  auth,
  socketMode = 0,
  tls,
}: ListenerOptions): void {
  const where = formatAddress(address);
  const has = (kind: AuthKind): boolean => auth.some((one) => one.kind === kind);
  if (has('peer') && address.kind !== 'unix') {
    throw new Error(`${where}: the system tells the users of Unix sockets alone`);
  }
  if (has('peer') && !tellsPeers()) {
    throw new Error(`${where}: the system does not tell who connects, as --auth peer needs it`);
  }
  if (tls !== undefined && address.kind === 'unix') {
    throw new Error(`${where}: Unix sockets have no TLS`);
  }
  // Without it nobody would be let in, which is not what was meant; never weaker because of a flag.
  if (has('mtls') && tls?.knowsClients !== true) {
    throw new Error(`${where}: --auth mtls needs TLS, and an authority of clients`);
  }
  if (allowInsecure) return;
  if (has('none') && address.kind === 'unix' && (socketMode & OF_OTHERS) !== 0) {
    throw new Error(
      `refusing to listen on ${where} without authentication: other users may open it with its mode`,
    );
  }
  if (isLoopback(address)) return;
  if (has('none')) {
    throw new Error(
      `refusing to listen on ${where} without authentication: it is not a loopback address`,
    );
  }
  // Whoever is on the way could do what the holder may.
  if ((has('token') || has('jwt')) && tls === undefined) {
    throw new Error(
      `refusing to take tokens in plaintext on ${where}: it is not a loopback address`,
    );
  }
}
