import { MAX_JWT_LENGTH } from '../../limits.ts';
import { refused } from './refused.ts';

/** A JWT as it came: whoever sent it can have written anything into it. */
export interface UnverifiedJwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** How tokens begin that are our own. */
const OWN = 'rlt1.';

/** Three parts in base64url, the last of which is empty where there is no signature. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/;

/** Whether a bearer's token is a JWT, good or bad: a JWS in its compact form, RFC 7515, section 7.1. */
export function isJwt(bearer: string): boolean {
  return !bearer.startsWith(OWN) && COMPACT.test(bearer);
}

/**
 * Reads a JWT without verifying anything.
 *
 * @throws RunletError `UNAUTHENTICATED` if there is no sense in it
 */
export function readUnverified(jwt: string): UnverifiedJwt {
  if (jwt.length > MAX_JWT_LENGTH) throw refused('the token is too long');
  const [header = '', claims = '', signature = ''] = jwt.split('.');
  // One token could be written in many ways otherwise, and each be remembered.
  if (!isCanonical(signature)) throw refused('the signature is not in base64url');
  return { header: objectOf(header, 'header'), claims: objectOf(claims, 'payload') };
}

function objectOf(part: string, name: string): Readonly<Record<string, unknown>> {
  if (!isCanonical(part)) throw refused(`the ${name} is not in base64url`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part, 'base64url').toString());
  } catch {
    throw refused(`the ${name} is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(`the ${name} is no object`);
  }
  return value as Record<string, unknown>;
}

/** Whether a text is the one way to write its bytes: RFC 4648, section 3.5. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}
