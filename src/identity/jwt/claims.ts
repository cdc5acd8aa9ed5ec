import { JWT_CLOCK_SKEW_MS, MAX_JWT_SUBJECT_BYTES } from '../../limits.ts';
import { DEFAULT_GRANTS, type Grant, grantSet, isGrant } from '../grants.ts';
import type { Principal } from '../principal.ts';
import { refused } from './refused.ts';

/** Whom tokens have to be from and for. */
export interface Expected {
  /** `iss`, exactly. */
  readonly issuer: string;
  /** One of these has to be in `aud`. */
  readonly audiences: readonly string[];
}

type Claims = Readonly<Record<string, unknown>>;

/** ASCII that can be printed: what others see, and what the log tells, is what it is. */
const SUBJECT = /^[\x20-\x7e]+$/;

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * Looks at what claims say of the token itself. Quick: it is done before a signature is verified,
 * and again with what is verified.
 *
 * @throws RunletError `UNAUTHENTICATED` if it is not for this server, or not now
 */
export function checkClaims(claims: Claims, { audiences, issuer }: Expected, now: number): void {
  const { aud, exp, iss, nbf } = claims;
  if (iss !== issuer) throw refused('it is of another issuer');
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.some((audience) => named.includes(audience))) {
    throw refused('it is for another audience');
  }
  if (!isTime(exp)) throw refused('exp is missing, or no time');
  if (endOf(exp) <= now) throw refused('it is expired');
  if (nbf === undefined) return;
  if (!isTime(nbf)) throw refused('nbf is no time');
  if (nbf * 1000 - JWT_CLOCK_SKEW_MS > now) throw refused('it is not valid yet');
}

/**
 * The principal that verified claims are about.
 *
 * @throws RunletError `UNAUTHENTICATED` if they make no sense
 */
export function principalOf(claims: Claims): Principal {
  const { exp, sub, runlet_session: session } = claims;
  if (typeof sub !== 'string' || !SUBJECT.test(sub) || sub.length > MAX_JWT_SUBJECT_BYTES) {
    throw refused('sub is missing, too long, or not of characters of ASCII that can be printed');
  }
  if (session !== undefined && !(typeof session === 'string' && UUID.test(session))) {
    throw refused('runlet_session is no UUID');
  }
  return {
    name: `jwt:${sub}`,
    kind: 'jwt',
    grants: grantsOf(claims),
    expiry: endOf(Number(exp)),
    sessionId: session?.toLowerCase(),
  };
}

/**
 * `grants` is ours: what is not known in it may be meant to be less than it looks. `scope` is of
 * all who use the issuer, RFC 8693, section 4.2: its other words are for others.
 */
function grantsOf({ grants, scope }: Claims): ReadonlySet<Grant> {
  if (grants !== undefined) {
    const words = typeof grants === 'string' ? grants.split(/[, ]+/) : grants;
    if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) {
      throw refused('grants is neither a text nor an array of texts');
    }
    try {
      return grantSet(words.filter((word) => word !== ''));
    } catch {
      throw refused('grants has one that there is not');
    }
  }
  if (scope === undefined) return DEFAULT_GRANTS;
  if (typeof scope !== 'string') throw refused('scope is no text');
  return grantSet(scope.split(' ').filter(isGrant));
}

/** When a token is over, in milliseconds since 1970: this machine's clock may be ahead. */
function endOf(exp: number): number {
  return exp * 1000 + JWT_CLOCK_SKEW_MS;
}

/** A NumericDate: RFC 7519, section 2. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
