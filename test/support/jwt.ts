import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Authenticator, Credentials, Identity } from '../../src/identity/authenticator.ts';
import {
  createJwtAuthenticator,
  type JwtOptions,
} from '../../src/identity/jwt/jwt-authenticator.ts';
import { temporaryFolder } from './harness.ts';

export const ISSUER = 'https://login.example.com';
export const AUDIENCE = 'runlet';

/** Claims of any kind; undefined takes away one that would be there. */
type Claims = Readonly<Record<string, unknown>>;

/** A key of an issuer. */
export interface Signer {
  readonly kid: string;
  readonly jwk: JWK;
  readonly privateJwk: JWK;
  /** Signs a token: good now for a minute, of alice, for us, but for what is said. */
  sign(claims?: Claims, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** Makes a key. */
export async function signer(kid = 'one', alg = 'ES256'): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    kid,
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    privateJwk: { ...(await exportJWK(privateKey)), kid, alg },
    sign: (claims = {}, header = {}) =>
      new SignJWT({ ...goodClaims(), ...claims })
        .setProtectedHeader({ alg, kid, typ: 'JWT', ...header })
        .sign(privateKey),
  };
}

/** Claims that are good for a minute from now. */
export function goodClaims(): JWTPayload {
  return { iss: ISSUER, aud: AUDIENCE, sub: 'alice', exp: secondsNow() + 60 };
}

export function secondsNow(): number {
  return Math.floor(Date.now() / 1000);
}

/** The set of some keys, as a text. */
export function jwksOf(...signers: readonly Signer[]): string {
  return JSON.stringify({ keys: signers.map(({ jwk }) => jwk) });
}

/** Writes a set of keys into a folder of its own. */
export async function jwksFile(text: string): Promise<string> {
  const path = join(await temporaryFolder(), 'jwks.json');
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** A log, and what it was told. */
export interface KeptLog {
  readonly lines: readonly string[];
  readonly log: JwtOptions['log'];
}

/** Keeps what is told. */
export function keptLog(): KeptLog {
  const lines: string[] = [];
  const keep = (facts: object, text: string): void =>
    void lines.push(`${text} ${JSON.stringify(facts)}`);
  return { lines, log: { info: keep, warn: keep } };
}

/** An authenticator that watches nothing any more when the test is over. */
export async function jwtAuthenticator(
  options: Partial<JwtOptions> & Pick<JwtOptions, 'jwks'>,
): Promise<Authenticator> {
  const authenticator = await createJwtAuthenticator({
    issuer: ISSUER,
    audiences: [AUDIENCE],
    clock: systemClock,
    log: keptLog().log,
    ...options,
  });
  onTestFinished(() => authenticator.close());
  return authenticator;
}

/** What a connection brings along. */
export function bearing(
  bearer: string,
  connection: Credentials['connection'] = { peerUid: undefined, certificate: undefined },
): Credentials {
  return { connection, bearer };
}

/** What an authenticator says of a token: a principal's name, or why it is refused. */
export async function said(authenticator: Authenticator, bearer: string): Promise<string> {
  try {
    const identity = await authenticator.identify(bearing(bearer));
    return identity?.principal.name ?? 'unknown';
  } catch (error) {
    return String((error as Error).cause ?? (error as Error).message);
  }
}

/** Who an authenticator says has a token. */
export async function identified(authenticator: Authenticator, bearer: string): Promise<Identity> {
  const identity = await authenticator.identify(bearing(bearer));
  if (identity === undefined) throw new Error('it is no token of this kind');
  return identity;
}

/** A server of keys, on this machine; counts how often it is asked. */
export interface KeyServer {
  readonly url: string;
  readonly asked: () => number;
}

/** Answers as a test says, on a port of its own. */
export async function keyServer(listener: RequestListener): Promise<KeyServer> {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/keys?token=hunter2`, asked: () => count };
}
