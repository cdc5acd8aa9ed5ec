import type { Grant } from '../grants.ts';
import { commonGrants } from '../grants.ts';
import { privateKeyOf, publicKeyOf, verifyingKey } from './key-pair.ts';
import { TokenError } from './token-error.ts';
import type { ParsedToken, Restrictions } from './token-format.ts';

/** A token that is right in itself: what it leaves of what its first key may. */
export interface VerifiedToken extends Restrictions {
  /** The public key of the token as it was made, by which a server knows it. */
  readonly publicKey: string;
}

/**
 * The public key of a token as it was made. That its holder has it of whoever has the seed is not
 * known before {@link verifyChain}.
 */
export function firstKeyOf({ blocks, seed }: ParsedToken): string {
  return blocks[0]?.kid ?? publicKeyOf(privateKeyOf(seed));
}

/**
 * Whether each block is signed by the key that the one before names, and the seed that of the last.
 * No seed is compared with another, only public keys are.
 *
 * @throws TokenError
 */
export async function verifyChain(token: ParsedToken): Promise<VerifiedToken> {
  const { blocks, seed } = token;
  const publicKey = firstKeyOf(token);
  let holder = publicKey;
  for (const { jws, kid, next } of blocks) {
    if (kid !== holder) throw new TokenError('CHAIN', 'a block is not signed by its holder');
    await verifySignature(jws, kid);
    holder = next;
  }
  if (blocks.length > 0 && publicKeyOf(privateKeyOf(seed)) !== holder) {
    throw new TokenError('CHAIN', 'the seed is not that of the last holder');
  }
  return { publicKey, ...restrictionsOf(token) };
}

async function verifySignature(jws: string, publicKey: string): Promise<void> {
  const { compactVerify } = await import('jose');
  try {
    await compactVerify(jws, verifyingKey(publicKey), { algorithms: ['EdDSA'] });
  } catch {
    throw new TokenError('SIGNATURE', 'the signature of a block is wrong');
  }
}

/** What all blocks together leave. */
export function restrictionsOf({ blocks }: Pick<ParsedToken, 'blocks'>): Restrictions {
  let grants: ReadonlySet<Grant> | undefined;
  let exp: number | undefined;
  let sessionId: string | undefined;
  for (const block of blocks) {
    if (block.grants !== undefined) {
      grants = grants === undefined ? block.grants : commonGrants(grants, block.grants);
    }
    if (block.exp !== undefined) exp = Math.min(exp ?? block.exp, block.exp);
    sessionId ??= block.sessionId;
  }
  return { grants, exp, sessionId };
}
