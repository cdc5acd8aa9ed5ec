import type { X509Certificate } from 'node:crypto';
import type { AuthKind, Principal } from './principal.ts';

/** What is known of a connection, the same for all of its calls. */
export interface Connection {
  /** The user that opened it, where the system tells: on a Unix socket. */
  readonly peerUid: number | undefined;
  /** The client's certificate, if it gave one that an authority of ours has signed. */
  readonly certificate: X509Certificate | undefined;
  /** Why one that it gave is not taken, in OpenSSL's words, for the log. Default: it is, or it gave none. */
  readonly certificateProblem?: string | undefined;
}

/** What a call brings along to say who makes it. */
export interface Credentials {
  readonly connection: Connection;
  /** What follows `Bearer ` in the header `authorization`; undefined: there is no such header. */
  readonly bearer: string | undefined;
}

/** Who makes a call, for as long as that holds. */
export interface Identity {
  readonly principal: Principal;
  /**
   * Whether it still holds: asked while calls are under way, about once a second. False once the
   * token was removed, for example. The principal's `expiry` is looked at beside it. Missing: it
   * does as long as the connection lasts.
   */
  holds?(): boolean;
}

/** Finds out who makes a call, in one of several ways. */
export interface Authenticator {
  readonly kind: AuthKind;
  /** The name of the only principal that it can find. Default: there can be several. */
  readonly solePrincipal?: string;
  /**
   * Undefined: the call has no credentials of this kind, so that another may know more.
   * Quick for credentials that were seen before, of which it remembers a bounded number.
   *
   * @throws RunletError `UNAUTHENTICATED` if it has some, and they are wrong, or over;
   *   without telling the caller why, which is in `details.cause` for the log
   */
  identify(credentials: Credentials): Identity | undefined | Promise<Identity | undefined>;
  /**
   * Reads its files again now. Missing: it has none.
   *
   * @throws Error that says what is wrong with them; what was good the last time stays in force
   */
  reload?(): Promise<void>;
  /** Watches no files any more. Idempotent. */
  close(): void;
}
