import { commonGrants } from '../grants.ts';
import type { Principal } from '../principal.ts';
import type { TokenLine } from './token-line.ts';
import type { VerifiedToken } from './verify-chain.ts';

/** Who the holder of a token is: what its line and the token both allow. */
export function principalOfToken(
  { exp, grants, sessionId }: VerifiedToken,
  line: TokenLine,
): Principal {
  return {
    name: `token:${line.name}`,
    kind: 'token',
    grants: grants === undefined ? line.grants : commonGrants(line.grants, grants),
    expiry: Math.min(line.notAfter, exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000),
    sessionId,
  };
}
