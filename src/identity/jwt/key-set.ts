import { createHash } from 'node:crypto';
import { type CryptoKey, importJWK, type JWK } from 'jose';
import { MAX_JWKS_KEYS } from '../../limits.ts';
import { type JwtAlgorithm, keyShape } from './algorithms.ts';

/** Bytes of the modulus of an RSA key: below 2048 bits it is not safe, above 8192 not quick. */
const RSA_MODULUS_BYTES = { min: 2048 / 8, max: 8192 / 8 };

/** Bytes of its exponent, which is 65,537 nearly always: verifying takes time in proportion. */
const MAX_RSA_EXPONENT_BYTES = 4;

/** Members that make a key private or secret: RFC 7518, section 6. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** Members that say what a key is and what it is for. */
const TELLING_MEMBERS = ['kid', 'kty', 'crv', 'x', 'y', 'n', 'e', 'alg', 'use', 'key_ops'];

/** A public key that has signed tokens. */
export interface VerificationKey {
  /** The same for the same key with the same `kid`, for the same use, and for no other. */
  readonly id: string;
  readonly kid: string | undefined;
  /** The key, for one of the algorithms that it suits. */
  forAlgorithm(algorithm: JwtAlgorithm): Promise<CryptoKey>;
  suits(algorithm: JwtAlgorithm): boolean;
}

/** The public keys of an issuer: RFC 7517, section 5. Never changed once it is made. */
export class KeySet {
  readonly #ids: ReadonlySet<string>;
  readonly #all: readonly VerificationKey[];
  readonly #byKid = new Map<string, VerificationKey[]>();

  constructor(keys: readonly VerificationKey[]) {
    const byId = new Map(keys.map((key) => [key.id, key]));
    this.#ids = new Set(byId.keys());
    this.#all = [...byId.values()];
    for (const key of this.#all) {
      if (key.kid === undefined) continue;
      const same = this.#byKid.get(key.kid);
      if (same === undefined) this.#byKid.set(key.kid, [key]);
      else same.push(key);
    }
  }

  /** How many keys are in it. */
  get size(): number {
    return this.#all.length;
  }

  /** Whether a key of this id is in it. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /**
   * The one key that a token can have been signed with. Without a `kid` all keys are asked of
   * which the algorithm is.
   */
  find(kid: string | undefined, algorithm: JwtAlgorithm): VerificationKey | 'unknown' | 'several' {
    const named = kid === undefined ? this.#all : (this.#byKid.get(kid) ?? []);
    const [first, ...others] = named.filter((key) => key.suits(algorithm));
    if (first === undefined) return 'unknown';
    return others.length === 0 ? first : 'several';
  }
}

/**
 * Reads a set of keys. Those that are for something else, or of a type or size that is not
 * taken, are left out, as RFC 7517 has it.
 *
 * @throws Error if it is no such set, or has a key that is private: whoever reads it could make
 *   tokens then. Without anything of what it holds
 */
export function parseKeySet(text: string): KeySet {
  const keys = keysOf(text);
  if (keys.length > MAX_JWKS_KEYS) throw new Error(`there are more than ${MAX_JWKS_KEYS} keys`);
  for (const jwk of keys) {
    if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) {
      throw new Error('a key in it is private');
    }
  }
  return new KeySet(keys.flatMap((jwk) => verificationKey(jwk) ?? []));
}

function keysOf(text: string): readonly Record<string, unknown>[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  const keys = isObject(parsed) ? parsed['keys'] : undefined;
  if (!Array.isArray(keys) || !keys.every(isObject)) {
    throw new Error('it is no JSON object with an array `keys` of objects');
  }
  return keys;
}

function verificationKey(jwk: Readonly<Record<string, unknown>>): VerificationKey | undefined {
  const { alg, crv, kid, kty, key_ops: operations, use } = jwk;
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  if (alg !== undefined && typeof alg !== 'string') return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (operations !== undefined && !isForVerifying(operations)) return undefined;
  if (!hasGoodNumbers(jwk)) return undefined;
  const imported = new Map<JwtAlgorithm, Promise<CryptoKey>>();
  return {
    id: createHash('sha256')
      .update(JSON.stringify(TELLING_MEMBERS.map((name) => jwk[name] ?? null)))
      .digest('base64url'),
    kid,
    suits(algorithm) {
      const shape = keyShape(algorithm);
      if (alg !== undefined && alg !== algorithm) return false;
      return kty === shape.kty && (shape.crv === undefined || crv === shape.crv);
    },
    forAlgorithm(algorithm) {
      const known = imported.get(algorithm);
      if (known !== undefined) return known;
      const key = importPublic(jwk, algorithm);
      imported.set(algorithm, key);
      return key;
    },
  };
}

async function importPublic(
  jwk: Readonly<Record<string, unknown>>,
  algorithm: JwtAlgorithm,
): Promise<CryptoKey> {
  const key = await importJWK(jwk as JWK, algorithm);
  if (key instanceof Uint8Array) throw new Error('it is not public');
  return key;
}

function isForVerifying(operations: unknown): boolean {
  return Array.isArray(operations) && operations.includes('verify');
}

function hasGoodNumbers({ e, kty, n, x, y }: Readonly<Record<string, unknown>>): boolean {
  switch (kty) {
    case 'RSA': {
      const { max, min } = RSA_MODULUS_BYTES;
      const modulus = byteLength(n);
      return modulus >= min && modulus <= max && byteLength(e) <= MAX_RSA_EXPONENT_BYTES;
    }
    case 'EC':
      return typeof x === 'string' && typeof y === 'string';
    case 'OKP':
      return typeof x === 'string';
    default:
      return false;
  }
}

/** Bytes of a number in base64url; not a number for anything else. */
function byteLength(value: unknown): number {
  return typeof value === 'string' ? Buffer.byteLength(value, 'base64url') : Number.NaN;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
