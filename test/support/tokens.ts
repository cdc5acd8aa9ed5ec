import { sign } from 'node:crypto';
import { privateKeyOf, publicKeyOf } from '../../src/identity/tokens/key-pair.ts';
import { TOKEN_PREFIX } from '../../src/identity/tokens/token-format.ts';

/** Text or bytes in base64url. */
export const encoded = (data: string | Uint8Array): string =>
  Buffer.from(data).toString('base64url');

/** A seed of 32 bytes that are all the same. */
export const seedOf = (byte: number): Buffer => Buffer.alloc(32, byte);

/** The public key of a seed. */
export const keyOf = (seed: Uint8Array): string => publicKeyOf(privateKeyOf(seed));

/** The token that a seed is. */
export const tokenOf = (seed: Uint8Array): string => TOKEN_PREFIX + encoded(seed);

/** What a block says, in parts that may be wrong. An object is written as JSON. */
export interface AnyBlock {
  readonly header?: object | string;
  readonly payload?: object | string | Uint8Array;
}

/** The header of a block that a seed signs. */
export const headerOf = (signer: Uint8Array): object => ({
  alg: 'EdDSA',
  typ: 'runlet-block+jws',
  kid: keyOf(signer),
});

/** The payload of a block whose next holder has a seed. */
export const payloadOf = (next: Uint8Array, more: object = {}): object => ({
  cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: keyOf(next) } },
  ...more,
});

/** A block, signed by hand: whatever it says, its signature is right. */
export function signedBlock(
  signer: Uint8Array,
  next: Uint8Array,
  { header = headerOf(signer), payload = payloadOf(next) }: AnyBlock = {},
): string {
  const input = `${encoded(asText(header))}.${encoded(asText(payload))}`;
  return `${input}.${encoded(sign(null, Buffer.from(input), privateKeyOf(signer)))}`;
}

/** A token that was narrowed once, by hand. */
export function narrowedByHand(signer: Uint8Array, next: Uint8Array, block: AnyBlock = {}): string {
  return `${TOKEN_PREFIX}${signedBlock(signer, next, block)}~${encoded(next)}`;
}

function asText(value: object | string | Uint8Array): string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);
}
