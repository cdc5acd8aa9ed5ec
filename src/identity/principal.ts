import { DEFAULT_GRANTS, type Grant } from './grants.ts';

/** The ways in which a caller can say who it is. */
export const AUTH_KINDS = ['none', 'token', 'jwt', 'mtls', 'peer'] as const;

/** One of {@link AUTH_KINDS}. */
export type AuthKind = (typeof AUTH_KINDS)[number];

/**
 * Who calls, whichever way that was found out: nothing after the edge of the server knows how.
 * Never changed once it is made.
 */
export interface Principal {
  /** `kind:name`, by which what belongs to it is found: `token:ci`, `mtls:spiffe://x/y`, `peer:1000`. */
  readonly name: string;
  readonly kind: AuthKind;
  /** What it may do. */
  readonly grants: ReadonlySet<Grant>;
  /** What its credentials grant beside that, and the policy of the server does not. Default: nothing. */
  readonly withheld?: ReadonlySet<Grant>;
  /** When that is over, in milliseconds since 1970; infinite: never. */
  readonly expiry: number;
  /** The only session that it may use, a UUID in lower case. Undefined: all of its own. */
  readonly sessionId: string | undefined;
}

/** Whoever calls where nobody is asked who it is. */
export const ANYBODY: Principal = {
  name: 'none:anybody',
  kind: 'none',
  grants: DEFAULT_GRANTS,
  expiry: Number.POSITIVE_INFINITY,
  sessionId: undefined,
};
