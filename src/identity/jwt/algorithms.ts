/**
 * The algorithms of signatures that can be taken, by their names of the IANA registry "JSON Web
 * Signature and Encryption Algorithms". None of them has a secret that both sides know: who could
 * verify with one could sign, too.
 */
export const JWT_ALGORITHMS = [
  'EdDSA',
  'Ed25519',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const;

/** One of {@link JWT_ALGORITHMS}. */
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

/** What a key has to be for an algorithm, in the members of RFC 7518 and RFC 8037. */
interface KeyShape {
  readonly kty: string;
  /** Undefined: the type has no curves. */
  readonly crv: string | undefined;
}

/**
 * Reads the name of an algorithm.
 *
 * @throws Error if it is none that can be taken: `none` and `HS256` among them
 */
export function jwtAlgorithm(name: string): JwtAlgorithm {
  const found = JWT_ALGORITHMS.find((known) => known === name);
  if (found !== undefined) return found;
  throw new Error(`it is none of ${JWT_ALGORITHMS.join(', ')}`);
}

/** What a key has to be for an algorithm. */
export function keyShape(algorithm: JwtAlgorithm): KeyShape {
  switch (algorithm) {
    case 'EdDSA':
    case 'Ed25519':
      return { kty: 'OKP', crv: 'Ed25519' };
    case 'ES256':
      return { kty: 'EC', crv: 'P-256' };
    case 'ES384':
      return { kty: 'EC', crv: 'P-384' };
    case 'ES512':
      return { kty: 'EC', crv: 'P-521' };
    default:
      return { kty: 'RSA', crv: undefined };
  }
}
