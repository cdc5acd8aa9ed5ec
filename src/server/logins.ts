import { RunletError } from '../errors.ts';
import type { Identity } from '../identity/authenticator.ts';
import type { AuthKind } from '../identity/principal.ts';
import { identify, type KnownCall } from './admission.ts';
import { type AcceptedConnection, acceptedConnection } from './connection.ts';

/**
 * Told who tried to come in: `other`: with nothing that the listener takes. A caller that goes on
 * over its connection has come in once.
 */
export type OnLogin = (kind: AuthKind | 'other', ok: boolean) => void;

/** Finds out who makes calls, and tells of each that is another than before on its connection. */
export class Logins {
  readonly #onLogin: OnLogin | undefined;
  /** The name of who made the last call on each connection. */
  readonly #latest = new WeakMap<AcceptedConnection, string>();

  /** `onLogin`: default: nobody is told, and nothing is remembered. */
  constructor(onLogin: OnLogin | undefined) {
    this.#onLogin = onLogin;
  }

  /**
   * Who makes a call, as {@link identify} says.
   *
   * @throws RunletError `UNAUTHENTICATED`
   */
  identify(call: KnownCall): Identity | Promise<Identity> {
    const told = this.#onLogin;
    if (told === undefined) return identify(call);
    const found = identify(call, (kind, error) => {
      // A credential that nobody had the time to look at may be right.
      if (error instanceof RunletError && error.reason === 'UNAUTHENTICATED') told(kind, false);
    });
    if (!(found instanceof Promise)) return this.#entered(call, found, told);
    return found.then((identity) => this.#entered(call, identity, told));
  }

  #entered(call: KnownCall, identity: Identity, told: OnLogin): Identity {
    const connection = acceptedConnection(call);
    const { kind, name } = identity.principal;
    if (connection === undefined || this.#latest.get(connection) === name) return identity;
    this.#latest.set(connection, name);
    told(kind, true);
    return identity;
  }
}
