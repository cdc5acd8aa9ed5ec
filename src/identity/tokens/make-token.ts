import { type Grant, parseGrants } from '../grants.ts';
import { privateKeyOf, publicKeyOf, randomSeed } from './key-pair.ts';
import { TokenError } from './token-error.ts';
import {
  BLOCK_TYPE,
  isExp,
  isSessionId,
  MAX_BLOCKS,
  MAX_TOKEN_BYTES,
  parseToken,
  type Restrictions,
  TOKEN_PREFIX,
} from './token-format.ts';
import { restrictionsOf } from './verify-chain.ts';

/** What the next holder of a token may at most. */
export interface Narrowing {
  /** Grants, one or more. Default: those that the token has. */
  readonly grants?: readonly string[] | undefined;
  /** The only session that may be used, a UUID in lower case. Default: what the token says. */
  readonly sessionId?: string | undefined;
  /** When all is over, in whole seconds since 1970, from 0. Default: when the token is. */
  readonly exp?: number | undefined;
}

/** What a token was to be narrowed to is nothing, or more than it has. */
export class NarrowingError extends Error {
  override readonly name = 'NarrowingError';
  readonly option: keyof Narrowing;

  constructor(option: keyof Narrowing, message: string) {
    super(message);
    this.option = option;
  }
}

/** A token, and the public key that a server knows it by. */
export interface MadeToken {
  readonly token: string;
  readonly publicKey: string;
}

/** Makes a token. `seed`: 32 bytes that nobody can guess; a test may have them say what comes. */
export function makeToken(seed: Uint8Array = randomSeed()): MadeToken {
  const token = TOKEN_PREFIX + Buffer.from(seed).toString('base64url');
  return { token, publicKey: publicKeyOf(privateKeyOf(seed)) };
}

/**
 * Narrows a token: makes one of it with which no more can be done than with this one, and less
 * where `narrowing` says so. Nobody gets back from it to this one. Asks no server.
 *
 * Whether the token is right is not looked at but for its form. `nextSeed`: see {@link makeToken}.
 *
 * @throws TokenError if it is none, or was narrowed too often
 * @throws NarrowingError if `narrowing` names what there is not, or what the token has not
 */
export async function narrow(
  token: string,
  { exp, grants, sessionId }: Narrowing,
  nextSeed: Uint8Array = randomSeed(),
): Promise<string> {
  const parsed = parseToken(token);
  if (parsed.blocks.length >= MAX_BLOCKS) {
    throw new TokenError('BLOCK', `it was narrowed ${MAX_BLOCKS} times, and cannot be again`);
  }
  assertNarrower(restrictionsOf(parsed), { exp, grants, sessionId });
  const { CompactSign } = await import('jose');
  const key = privateKeyOf(parsed.seed);
  const x = publicKeyOf(privateKeyOf(nextSeed));
  const payload = {
    cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x } },
    ...(grants === undefined ? {} : { grants: grants.join(',') }),
    ...(sessionId === undefined ? {} : { session: sessionId }),
    ...(exp === undefined ? {} : { exp }),
  };
  const block = await new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'EdDSA', typ: BLOCK_TYPE, kid: publicKeyOf(key) })
    .sign(key);
  const earlier = token.slice(0, token.length - parsed.seed.toString('base64url').length);
  const narrowed = `${earlier}${block}~${Buffer.from(nextSeed).toString('base64url')}`;
  if (narrowed.length > MAX_TOKEN_BYTES) {
    throw new TokenError('NO_TOKEN', `it would be longer than ${MAX_TOKEN_BYTES} bytes`);
  }
  return narrowed;
}

/** What would come of more is less than its maker may think, so that they are told. */
function assertNarrower(has: Restrictions, { exp, grants, sessionId }: Narrowing): void {
  for (const grant of grants === undefined ? [] : grantsOf(grants)) {
    if (has.grants?.has(grant) === false) {
      throw new NarrowingError('grants', `the token does not grant ${grant}`);
    }
  }
  if (sessionId !== undefined && !isSessionId(sessionId)) {
    throw new NarrowingError('sessionId', 'it is not the id of a session: a UUID in lower case');
  }
  if (sessionId !== undefined && has.sessionId !== undefined && sessionId !== has.sessionId) {
    throw new NarrowingError('sessionId', 'the token is one for another session');
  }
  if (exp !== undefined && !isExp(exp)) {
    throw new NarrowingError('exp', 'it is no time from 1970 to 9999');
  }
}

function grantsOf(names: readonly string[]): ReadonlySet<Grant> {
  try {
    return parseGrants(names.join(','));
  } catch (error) {
    throw new NarrowingError('grants', (error as Error).message);
  }
}
