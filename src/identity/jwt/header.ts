import type { JwtAlgorithm } from './algorithms.ts';
import { refused } from './refused.ts';

/** What a header of a JWT says that is taken. */
export interface JwtHeader {
  readonly algorithm: JwtAlgorithm;
  readonly kid: string | undefined;
}

/** Media types of a JWT, and of one that is an access token: RFC 7519, 5.1, and RFC 9068, 2.1. */
const TYPES = ['jwt', 'at+jwt'];

/**
 * Parameters by which a token would say itself which key it is signed with, or how it is to be
 * read: RFC 7515, section 4.1. The keys are those of the issuer, and none of these is needed.
 */
const NOT_TAKEN = ['jwk', 'jku', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'enc'];

/**
 * Looks at a header.
 *
 * @throws RunletError `UNAUTHENTICATED` if it says anything that is not taken
 */
export function checkHeader(
  header: Readonly<Record<string, unknown>>,
  algorithms: readonly JwtAlgorithm[],
): JwtHeader {
  const { alg, kid, typ } = header;
  const algorithm = algorithms.find((known) => known === alg);
  if (algorithm === undefined) throw refused('the algorithm is none that is taken');
  for (const name of NOT_TAKEN) {
    if (Object.hasOwn(header, name)) throw refused(`the header has ${name}`);
  }
  if (kid !== undefined && typeof kid !== 'string') throw refused('kid is no text');
  if (typ !== undefined && !isType(typ)) throw refused('typ is neither JWT nor at+jwt');
  return { algorithm, kid };
}

/** Types are written in any case, and `application/` may be before them: RFC 7515, section 4.1.9. */
function isType(typ: unknown): boolean {
  return typeof typ === 'string' && TYPES.includes(typ.toLowerCase().replace(/^application\//, ''));
}
