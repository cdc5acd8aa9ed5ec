import { createHash } from 'node:crypto';
import { type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { JOSEError } from 'jose/errors';
import type { Clock } from '../../clock.ts';
import {
  JWT_CLOCK_SKEW_MS,
  MAX_REMEMBERED,
  MAX_UNVERIFIED,
  MAX_UNVERIFIED_EACH,
  MAX_VERIFICATIONS,
} from '../../limits.ts';
import type { Authenticator, Connection, Credentials, Identity } from '../authenticator.ts';
import { Remembered } from '../remembered.ts';
import { VerifyTurns } from '../verify-turns.ts';
import { JWT_ALGORITHMS, type JwtAlgorithm } from './algorithms.ts';
import { checkClaims, type Expected, principalOf } from './claims.ts';
import { keyUrl } from './fetch-keys.ts';
import { checkHeader, type JwtHeader } from './header.ts';
import { openKeyFile } from './key-file.ts';
import type { VerificationKey } from './key-set.ts';
import type { KeyLog, KeySource } from './key-source.ts';
import { openKeyUrl } from './key-url.ts';
import { refused } from './refused.ts';
import { isJwt, readUnverified } from './unverified-jwt.ts';

/** How {@link createJwtAuthenticator} is made. */
export interface JwtOptions extends Expected {
  /**
   * Where the keys of the issuer are, as a JWK set: a file, or a URL that begins with `https://`,
   * or with `http://` on a loopback address.
   */
  readonly jwks: string;
  /** The algorithms that are taken, at least one. Default: all of {@link JWT_ALGORITHMS}. */
  readonly algorithms?: readonly JwtAlgorithm[];
  readonly clock: Clock;
  readonly log: KeyLog;
}

/** Who has a token, for as long as the key that signed it is the issuer's. */
type JwtIdentity = Identity & Required<Pick<Identity, 'holds'>>;

/** How many may wait, of a connection and in all. */
const WAITING = { each: MAX_UNVERIFIED_EACH, all: MAX_UNVERIFIED, limit: 'waiting_jwts' };

/**
 * `jwt`: whoever has a token that the issuer has signed, RFC 7519.
 *
 * @throws Error if the file of keys cannot be read or makes no sense, or the URL is not taken. A
 *   URL that does not answer is asked again later
 */
export async function createJwtAuthenticator(options: JwtOptions): Promise<Authenticator> {
  return new JwtAuthenticator(options, await openKeys(options));
}

function openKeys({ clock, jwks, log }: JwtOptions): Promise<KeySource> {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(jwks)
    ? openKeyUrl({ url: keyUrl(jwks), clock, log })
    : openKeyFile({ path: jwks, clock, log });
}

class JwtAuthenticator implements Authenticator {
  readonly kind = 'jwt';
  readonly #options: JwtOptions;
  readonly #algorithms: readonly JwtAlgorithm[];
  readonly #keys: KeySource;
  /** Those that were good, by their digest. */
  readonly #good = new Remembered<JwtIdentity>(MAX_REMEMBERED);
  /** Those that are being verified, by the same. */
  readonly #pending = new Map<string, Promise<JwtIdentity>>();
  readonly #verifying = new VerifyTurns<Connection>({ ...WAITING, parallel: MAX_VERIFICATIONS });
  /** All wait for one and the same fetch. */
  readonly #missingKeys = new VerifyTurns<Connection>({ ...WAITING, parallel: MAX_UNVERIFIED });

  constructor(options: JwtOptions, keys: KeySource) {
    this.#options = options;
    this.#algorithms = options.algorithms ?? JWT_ALGORITHMS;
    this.#keys = keys;
  }

  identify({ bearer, connection }: Credentials): Identity | undefined | Promise<Identity> {
    if (bearer === undefined || !isJwt(bearer)) return undefined;
    const digest = createHash('sha256').update(bearer).digest('base64');
    const known = this.#remembered(digest) ?? this.#pending.get(digest);
    if (known !== undefined) return known;
    // What costs nothing comes first: who sends nonsense shall not keep others from their turn.
    const { claims, header } = readUnverified(bearer);
    const checked = checkHeader(header, this.#algorithms);
    checkClaims(claims, this.#options, this.#options.clock.now());
    const identity = this.#verifyInTurn(bearer, digest, checked, connection).finally(() =>
      this.#pending.delete(digest),
    );
    this.#pending.set(digest, identity);
    return identity;
  }

  reload(): Promise<void> {
    return this.#keys.reload();
  }

  close(): void {
    this.#keys.close();
  }

  /** Who brought a token that was good before, and still is. */
  #remembered(digest: string): JwtIdentity | undefined {
    const identity = this.#good.get(digest);
    if (identity === undefined) return undefined;
    const isOver = identity.principal.expiry <= this.#options.clock.now();
    if (!isOver && identity.holds()) return identity;
    this.#good.delete(digest);
    return undefined;
  }

  async #verifyInTurn(
    jwt: string,
    digest: string,
    header: JwtHeader,
    owner: Connection,
  ): Promise<JwtIdentity> {
    const key = await this.#keyOf(header, owner);
    const identity = await this.#verifying.run(owner, () => this.#verify(jwt, header, key));
    this.#good.set(digest, identity);
    return identity;
  }

  /** The key that a token says it was signed with, which may have to be fetched first. */
  async #keyOf(header: JwtHeader, owner: Connection): Promise<VerificationKey> {
    const known = this.#find(header);
    if (known !== undefined) return known;
    await this.#missingKeys.run(owner, async () => this.#keys.refresh());
    const fetched = this.#find(header);
    if (fetched !== undefined) return fetched;
    throw refused('no key of the issuer is of this kid and algorithm');
  }

  #find({ algorithm, kid }: JwtHeader): VerificationKey | undefined {
    const found = this.#keys.current().find(kid, algorithm);
    if (found === 'several') throw refused('several keys of the issuer could have signed it');
    return found === 'unknown' ? undefined : found;
  }

  async #verify(jwt: string, { algorithm }: JwtHeader, key: VerificationKey): Promise<JwtIdentity> {
    const { audiences, clock, issuer } = this.#options;
    const now = clock.now();
    const payload = await verified(jwt, key, algorithm, {
      issuer,
      audience: [...audiences],
      clockTolerance: JWT_CLOCK_SKEW_MS / 1000,
      currentDate: new Date(now),
      requiredClaims: ['exp', 'sub'],
    });
    checkClaims(payload, this.#options, now);
    const principal = principalOf(payload);
    const identity = { principal, holds: () => this.#keys.current().has(key.id) };
    // They may have changed meanwhile.
    if (!identity.holds()) throw refused('its key was removed');
    return identity;
  }
}

/** What a token says, if its key has signed it. */
async function verified(
  jwt: string,
  key: VerificationKey,
  algorithm: JwtAlgorithm,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    const publicKey = await key.forAlgorithm(algorithm);
    return (await jwtVerify(jwt, publicKey, { ...options, algorithms: [algorithm] })).payload;
  } catch (error) {
    throw refused(error instanceof JOSEError ? error.code : 'its key cannot be used');
  }
}
