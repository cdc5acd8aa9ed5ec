import type { X509Certificate } from 'node:crypto';
import { type Clock, systemClock } from '../clock.ts';
import { RunletError } from '../errors.ts';
import type { Authenticator, Connection, Identity } from './authenticator.ts';
import { DEFAULT_GRANTS } from './grants.ts';
import { certificateNames } from './mtls/certificate-names.ts';
import type { ClientNamePattern } from './mtls/client-name-pattern.ts';

/** How {@link mtlsAuthenticator} is made. */
export interface MtlsOptions {
  /** The names that are let in. Empty: nobody is, whatever the authorities have signed. */
  readonly names: readonly ClientNamePattern[];
  /** Default: the machine's. */
  readonly clock?: Pick<Clock, 'now'>;
}

/** What a connection's certificate says: who it is of, or why nobody is let in with it. */
type Outcome = { readonly identity: Identity } | { readonly why: string };

/**
 * `mtls`: clients that have a certificate which an authority of the listener has signed. The
 * handshake has checked that, its time and its revocation. `mtls:NAME` is its SPIFFE ID, or the first
 * of its DNS names that is let in.
 */
export function mtlsAuthenticator({ clock = systemClock, names }: MtlsOptions): Authenticator {
  // A certificate is the same for all calls of a connection, and reading it takes a while.
  const outcomes = new WeakMap<Connection, Outcome>();
  return {
    kind: 'mtls',
    identify({ connection }) {
      const { certificate, certificateProblem } = connection;
      if (certificateProblem !== undefined) throw notLetIn(certificateProblem);
      if (certificate === undefined) return undefined;
      let outcome = outcomes.get(connection);
      if (outcome === undefined) {
        outcome = outcomeOf(certificate, names);
        outcomes.set(connection, outcome);
      }
      if ('why' in outcome) throw notLetIn(outcome.why);
      // It may have ended while the connection was open. The time is looked at for each call.
      if (outcome.identity.principal.expiry <= clock.now())
        throw notLetIn('the certificate is over');
      return outcome.identity;
    },
    close: () => {},
  };
}

function outcomeOf(certificate: X509Certificate, patterns: readonly ClientNamePattern[]): Outcome {
  try {
    const names = certificateNames(certificate);
    const allowed = names.find((name) => patterns.some((has) => has(name)));
    if (allowed === undefined) return { why: `no name of the certificate is let in: ${names}` };
    const expiry = Date.parse(certificate.validTo);
    if (Number.isNaN(expiry)) return { why: 'the end of the certificate cannot be read' };
    const principal = {
      name: `mtls:${allowed}`,
      kind: 'mtls',
      grants: DEFAULT_GRANTS,
      expiry,
      sessionId: undefined,
    } as const;
    // A connection whose certificate is revoked, or has lost its authority, is cut by the listener.
    return { identity: { principal, holds: () => true } };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

/** `why` is for the log alone. */
function notLetIn(why: string): RunletError {
  return new RunletError('UNAUTHENTICATED', { cause: why });
}
