import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import type { Authenticator } from '../../src/identity/authenticator.ts';
import { createJwtAuthenticator } from '../../src/identity/jwt/jwt-authenticator.ts';
import { makeToken } from '../../src/identity/tokens/make-token.ts';
import { createTokenAuthenticator } from '../../src/identity/tokens/token-authenticator.ts';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'runlet';

/** Who is let in by a bearer, with real keys. */
export interface Issuers {
  readonly auth: readonly Authenticator[];
  /** The token whose line has a name. */
  readonly tokens: Readonly<Record<string, string>>;
  /** A JWT that is right but for what is said. */
  jwt(claims: JWTPayload): Promise<string>;
  /** One whose header says that it is not signed. */
  unsignedJwt(claims: JWTPayload): string;
}

/** Makes the files of a token file and of keys in a folder. Lines: grants, and what may follow. */
export async function makeIssuers(
  folder: string,
  lines: Readonly<Record<string, string>>,
): Promise<Issuers> {
  const made = Object.entries(lines).map(([name, grants]) => ({ name, grants, ...makeToken() }));
  const tokenFile = join(folder, 'tokens');
  const text = made.map(({ grants, name, publicKey }) => `${name} ${publicKey} ${grants}\n`);
  await writeFile(tokenFile, text.join(''), { mode: 0o600 });
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  const kid = randomBytes(8).toString('hex');
  const jwks = join(folder, 'jwks.json');
  const keys = [{ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' }];
  await writeFile(jwks, JSON.stringify({ keys }), { mode: 0o600 });
  const log = pino({ level: 'silent' });
  const clock = systemClock;
  const now = Math.floor(Date.now() / 1000);
  const full = (claims: JWTPayload): JWTPayload => ({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'somebody',
    exp: now + 3_600,
    ...claims,
  });
  return {
    auth: [
      await createTokenAuthenticator({ path: tokenFile, log, clock }),
      await createJwtAuthenticator({
        jwks,
        issuer: ISSUER,
        audiences: [AUDIENCE],
        clock,
        log,
      }),
    ],
    tokens: Object.fromEntries(made.map(({ name, token }) => [name, token])),
    jwt: (claims) =>
      new SignJWT(full(claims)).setProtectedHeader({ alg: 'EdDSA', kid }).sign(privateKey),
    unsignedJwt(claims) {
      const part = (value: object): string =>
        Buffer.from(JSON.stringify(value)).toString('base64url');
      return `${part({ alg: 'none', kid })}.${part(full(claims))}.`;
    },
  };
}
