import { type Grant, parseGrants } from '../grants.ts';
import { decodeBase64url, decodeKey } from './base64url.ts';
import { isPublicKey } from './key-pair.ts';
import { isObject, parseStrictObject } from './strict-json.ts';
import { TokenError } from './token-error.ts';

/** What every token begins with: of another kind or version it is none of ours. */
export const TOKEN_PREFIX = 'rlt1.';

/** Bytes of a token: what proxies let through in a header. */
export const MAX_TOKEN_BYTES = 8192;

/** How often a token can be narrowed: each time is one signature more that a server verifies. */
export const MAX_BLOCKS = 8;

/** The last second that RFC 3339 can say: the end of the year 9999. */
const MAX_EXP = 253_402_300_799;

/** The type of a block: RFC 7515, section 4.1.9. */
export const BLOCK_TYPE = 'runlet-block+jws';

/** Bytes of a signature of Ed25519: RFC 8032, section 5.1.6. */
const SIGNATURE_BYTES = 64;

/** What a block leaves of what its holder may. */
export interface Restrictions {
  /** Undefined: it names none, and takes none away. */
  readonly grants: ReadonlySet<Grant> | undefined;
  /** The only session that may be used, a UUID in lower case. Undefined: it names none. */
  readonly sessionId: string | undefined;
  /** When all is over, in seconds since 1970. Undefined: it does not say. */
  readonly exp: number | undefined;
}

/** One narrowing of a token. */
export interface Block extends Restrictions {
  /** The compact JWS. */
  readonly jws: string;
  /** The public key that it says it is signed by. */
  readonly kid: string;
  /** The public key of the next holder. */
  readonly next: string;
}

/** A token in its parts, of which only the form is known to be right. */
export interface ParsedToken {
  readonly seed: Buffer;
  /** None: it is as it was made. */
  readonly blocks: readonly Block[];
}

/** `1a0c…-…`: RFC 9562, section 4, and in lower case alone, so that each has one form. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether a text is the id of a session, as tokens have it. */
export function isSessionId(text: string): boolean {
  return UUID.test(text);
}

/** Whether a text is meant to be a token of ours. */
export function isToken(text: string): boolean {
  return text.startsWith(TOKEN_PREFIX);
}

/**
 * Takes a token apart. Whatever is unknown is refused, since it may be a restriction.
 *
 * @throws TokenError
 */
export function parseToken(text: string): ParsedToken {
  if (!isToken(text)) throw new TokenError('NO_TOKEN', `it does not begin with ${TOKEN_PREFIX}`);
  if (text.length > MAX_TOKEN_BYTES) {
    throw new TokenError('NO_TOKEN', `it is longer than ${MAX_TOKEN_BYTES} bytes`);
  }
  const parts = text.slice(TOKEN_PREFIX.length).split('~');
  const seed = decodeKey(parts.pop() ?? '');
  if (seed === undefined) throw new TokenError('SEED', 'it does not end with a seed');
  if (parts.length > MAX_BLOCKS) {
    throw new TokenError('BLOCK', `it has more than ${MAX_BLOCKS} blocks`);
  }
  const blocks = parts.map(parseBlock);
  const sessions = new Set(blocks.flatMap(({ sessionId }) => sessionId ?? []));
  if (sessions.size > 1) throw new TokenError('SESSIONS', 'its blocks name different sessions');
  return { seed, blocks };
}

function parseBlock(jws: string): Block {
  const [protectedHeader, payload, signature, ...more] = jws.split('.').map(decodeBase64url);
  if (
    protectedHeader === undefined ||
    payload === undefined ||
    signature?.length !== SIGNATURE_BYTES ||
    more.length > 0
  ) {
    throw new TokenError('BLOCK', 'a block is no compact JWS');
  }
  return { jws, kid: kidOf(protectedHeader), ...parsePayload(payload) };
}

function kidOf(bytes: Buffer): string {
  const header = objectOf(bytes, ['alg', 'typ', 'kid']);
  const kid = header?.['kid'];
  if (
    header === undefined ||
    header['alg'] !== 'EdDSA' ||
    header['typ'] !== BLOCK_TYPE ||
    typeof kid !== 'string' ||
    !isPublicKey(kid)
  ) {
    throw new TokenError('HEADER', 'the header of a block is none, or has what is not known');
  }
  return kid;
}

function parsePayload(bytes: Buffer): Restrictions & Pick<Block, 'next'> {
  const payload = objectOf(bytes, ['cnf', 'grants', 'session', 'exp']);
  const next = payload === undefined ? undefined : keyOfCnf(payload['cnf']);
  if (payload === undefined || next === undefined) {
    throw new TokenError('PAYLOAD', 'the payload of a block is none, or has what is not known');
  }
  const { exp, grants, session } = payload;
  if (session !== undefined && !(typeof session === 'string' && isSessionId(session))) {
    throw new TokenError('PAYLOAD', 'a block names a session by what is no UUID');
  }
  if (exp !== undefined && !isExp(exp)) {
    throw new TokenError('PAYLOAD', 'a block ends at what is no time');
  }
  return { next, grants: grantsOf(grants), sessionId: session, exp };
}

/** Whether a value is a time at which a block can end, in seconds since 1970. */
export function isExp(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_EXP;
}

function grantsOf(value: unknown): ReadonlySet<Grant> | undefined {
  if (value === undefined) return undefined;
  try {
    if (typeof value === 'string') return parseGrants(value);
  } catch {
    // One that is not known here may stand for less than it seems.
  }
  throw new TokenError('PAYLOAD', 'a block names grants that there are not');
}

/** The key in `{"jwk":{"kty":"OKP","crv":"Ed25519","x":"…"}}`: RFC 7800, RFC 8037. */
function keyOfCnf(cnf: unknown): string | undefined {
  if (!isObject(cnf) || !hasOnly(cnf, ['jwk'])) return undefined;
  const { jwk } = cnf;
  if (!isObject(jwk) || !hasOnly(jwk, ['kty', 'crv', 'x'])) return undefined;
  const { crv, kty, x } = jwk;
  const known = kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string';
  return known && isPublicKey(x) ? x : undefined;
}

/** The object that some bytes are; undefined: they are none, or it has other members. */
function objectOf(
  bytes: Buffer,
  names: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  try {
    const object = parseStrictObject(bytes);
    return hasOnly(object, names) ? object : undefined;
  } catch {
    return undefined;
  }
}

function hasOnly(object: Readonly<Record<string, unknown>>, names: readonly string[]): boolean {
  return Object.keys(object).every((name) => names.includes(name));
}
