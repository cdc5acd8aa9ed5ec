import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { decodeKey, KEY_BYTES } from './base64url.ts';

/** A seed that nobody knows. */
export function randomSeed(): Buffer {
  return randomBytes(KEY_BYTES);
}

/** The private key that a seed is. */
export function privateKeyOf(seed: Uint8Array): KeyObject {
  const d = Buffer.from(seed).toString('base64url');
  // Node.js takes `d` alone, and finds `x` itself. In DER it takes eight times as long.
  return createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x: d }, format: 'jwk' });
}

/** The public key of a private one, as JWKs have it in `x`. Some 50 µs. */
export function publicKeyOf(key: KeyObject): string {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  if (x === undefined) throw new Error('a key without x');
  return x;
}

/** The key that verifies what the holder of a public key's seed has signed. */
export function verifyingKey(publicKey: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
}

/**
 * Points of small order, less the bit of their sign: under such a "key" anybody's signature may be
 * right. RFC 8032 leaves it to its users to refuse them.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** Whether a text is a public key that only one seed has, as JWKs have it. */
export function isPublicKey(text: string): boolean {
  const bytes = decodeKey(text);
  if (bytes === undefined) return false;
  bytes[KEY_BYTES - 1] = (bytes.at(-1) ?? 0) & 0x7f;
  return !SMALL_ORDER.has(bytes.toString('hex'));
}
