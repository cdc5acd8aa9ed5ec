import { hash } from 'node:crypto';
import { type Clock, idleClock } from '../../clock.ts';
import { RunletError } from '../../errors.ts';
import {
  MAX_REMEMBERED,
  MAX_UNVERIFIED,
  MAX_UNVERIFIED_EACH,
  MAX_VERIFICATIONS,
} from '../../limits.ts';
import type { Authenticator, Identity } from '../authenticator.ts';
import { Remembered } from '../remembered.ts';
import { VerifyTurns } from '../verify-turns.ts';
import { TokenError } from './token-error.ts';
import { openTokenFile, type TokenFile, type TokenFileLog } from './token-file.ts';
import { isToken, MAX_TOKEN_BYTES, parseToken } from './token-format.ts';
import type { TokenLine } from './token-line.ts';
import { principalOfToken } from './token-principal.ts';
import { firstKeyOf, restrictionsOf, type VerifiedToken, verifyChain } from './verify-chain.ts';

/** How {@link createTokenAuthenticator} makes one. */
export interface TokenAuthenticatorOptions {
  /** The token file: see docs/tokens.md. */
  readonly path: string;
  readonly log: TokenFileLog;
  /** Default: the machine's, whose timers keep no program from ending. */
  readonly clock?: Clock;
}

/** A token that was verified, and who its holder is while its line says the same. */
interface Known {
  readonly token: VerifiedToken;
  line?: TokenLine;
  identity?: Identity;
}

/**
 * `token`: whoever has a token whose public key is in the token file, or one that was narrowed
 * from it.
 *
 * @throws Error if the file cannot be read, or something in it is wrong
 */
export async function createTokenAuthenticator({
  clock = idleClock,
  log,
  path,
}: TokenAuthenticatorOptions): Promise<Authenticator> {
  const file = await openTokenFile({ path, clock, log });
  // By public key: whoever sends any number that only look like ones of a key shall keep those of
  // other keys from nothing.
  const turns = new VerifyTurns<string>({
    parallel: MAX_VERIFICATIONS,
    each: MAX_UNVERIFIED_EACH,
    all: MAX_UNVERIFIED,
    limit: 'waiting_tokens',
  });
  // By their SHA-256, so that none is kept. Nothing of a token is compared in any other way.
  const good = new Remembered<Known>(MAX_REMEMBERED);
  // Apart, so that however many wrong ones come, they take the place of no good one.
  const useless = new Remembered<Known | TokenError>(MAX_REMEMBERED);
  const checks = new Map<string, Promise<Identity>>();

  function admit(digest: string, known: Known): Identity {
    const line = file.lineOf(known.token.publicKey);
    if (line === undefined) {
      good.delete(digest);
      useless.set(digest, known);
      throw refused('its key is not in the token file');
    }
    if (known.identity === undefined || known.line !== line) {
      known.line = line;
      known.identity = identityOf(known.token, line, file, clock);
    }
    useless.delete(digest);
    good.set(digest, known);
    if (known.identity.principal.expiry <= clock.now()) throw refused('it is over');
    return known.identity;
  }

  /** Looks first at what costs little: only what can be good gets a thread. */
  function check(digest: string, text: string): Identity | Promise<Identity> {
    const token = parseToken(text);
    const { exp } = restrictionsOf(token);
    if (exp !== undefined && exp * 1000 <= clock.now()) throw refused('it is over');
    const publicKey = firstKeyOf(token);
    if (token.blocks.length === 0) {
      return admit(digest, { token: { publicKey, ...restrictionsOf(token) } });
    }
    if (file.lineOf(publicKey) === undefined) throw refused('its key is not in the token file');
    const found = turns
      .run(publicKey, () => verifyChain(token))
      .then(
        (verified) => admit(digest, { token: verified }),
        (error: unknown) => {
          throw remember(digest, error);
        },
      );
    checks.set(digest, found);
    const forget = (): void => void checks.delete(digest);
    found.then(forget, forget);
    return found;
  }

  /** What is wrong in itself stays so. */
  function remember(digest: string, error: unknown): unknown {
    if (!(error instanceof TokenError)) return error;
    useless.set(digest, error);
    return refused(error.message);
  }

  return {
    kind: 'token',
    identify({ bearer }) {
      if (bearer === undefined || !isToken(bearer)) return undefined;
      if (bearer.length > MAX_TOKEN_BYTES) throw refused('it is too long');
      const digest = hash('sha256', bearer, 'base64');
      const known = good.get(digest) ?? useless.get(digest);
      if (known instanceof TokenError) throw refused(known.message);
      if (known !== undefined) return admit(digest, known);
      try {
        return checks.get(digest) ?? check(digest, bearer);
      } catch (error) {
        throw remember(digest, error);
      }
    },
    reload: () => file.reload(),
    close: () => file.close(),
  };
}

/** Whose the token is, as long as the file allows what it did. */
function identityOf(
  token: VerifiedToken,
  line: TokenLine,
  file: TokenFile,
  clock: Clock,
): Identity {
  const principal = principalOfToken(token, line);
  return {
    principal,
    holds() {
      const now = file.lineOf(token.publicKey);
      if (now === line) return true;
      return (
        now?.name === line.name &&
        now.notAfter > clock.now() &&
        [...principal.grants].every((grant) => now.grants.has(grant))
      );
    },
  };
}

/** `why` is for the log alone. */
function refused(why: string): RunletError {
  return new RunletError('UNAUTHENTICATED', { cause: `a token is refused: ${why}` });
}
