import { createPrivateKey, createPublicKey, type JsonWebKey, randomUUID, sign } from 'node:crypto';
import { base64url, CompactSign, importJWK, type JWK, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import type { Authenticator } from '../../src/identity/authenticator.ts';
import { DEFAULT_GRANTS } from '../../src/identity/grants.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import {
  AUDIENCE,
  bearing,
  goodClaims,
  ISSUER,
  identified,
  jwksFile,
  jwksOf,
  jwtAuthenticator,
  type Signer,
  said,
  secondsNow,
  signer,
} from '../support/jwt.ts';

/** Beyond what clocks may be apart. */
const LONG_AGO = secondsNow() - 3600;
const IN_AN_HOUR = secondsNow() + 3600;

/** What is said of a subject that is not taken. */
const SUB = 'sub is missing, too long, or not of characters of ASCII that can be printed';

const encoded = (value: unknown): string => base64url.encode(JSON.stringify(value));

interface Issuer {
  readonly one: Signer;
  readonly two: Signer;
  /** A key that is not the issuer's. */
  readonly other: Signer;
  readonly authenticator: Authenticator;
}

async function issuer(): Promise<Issuer> {
  const [one, two, other] = await Promise.all([signer('one'), signer('two'), signer('one')]);
  const jwks = await jwksFile(jwksOf(one, two));
  return { one, two, other, authenticator: await jwtAuthenticator({ jwks }) };
}

/** A token with any header at all. */
async function signedWith(jwk: JWK, header: Record<string, unknown>): Promise<string> {
  const input = `${encoded(header)}.${encoded(goodClaims())}`;
  const key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/** Every way in which a token can be wrong: it, and what the log says of it. */
const WRONG: Readonly<Record<string, readonly [(issuer: Issuer) => Promise<string>, string]>> = {
  'without a signature': [
    async () => `${encoded({ alg: 'none' })}.${encoded(goodClaims())}.`,
    'the algorithm is none that is taken',
  ],
  'of algorithm none with a signature': [
    async ({ one }) => {
      const [, , signature] = (await one.sign()).split('.');
      return `${encoded({ alg: 'none', kid: 'one' })}.${encoded(goodClaims())}.${signature}`;
    },
    'the algorithm is none that is taken',
  ],
  'signed with the public key as a secret': [
    async ({ one }) => {
      const publicKey = createPublicKey({ key: one.jwk as JsonWebKey, format: 'jwk' });
      const secret = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));
      return new SignJWT(goodClaims())
        .setProtectedHeader({ alg: 'HS256', kid: 'one' })
        .sign(secret);
    },
    'the algorithm is none that is taken',
  ],
  'of an algorithm that its key is not for': [
    async ({ one }) => {
      const [, claims, signature] = (await one.sign()).split('.');
      return `${encoded({ alg: 'RS256', kid: 'one' })}.${claims}.${signature}`;
    },
    'no key of the issuer is of this kid and algorithm',
  ],
  'of another issuer': [({ one }) => one.sign({ iss: `${ISSUER}/` }), 'it is of another issuer'],
  'of no issuer': [({ one }) => one.sign({ iss: undefined }), 'it is of another issuer'],
  'for another audience': [({ one }) => one.sign({ aud: 'else' }), 'it is for another audience'],
  'for others': [({ one }) => one.sign({ aud: ['a', 'b'] }), 'it is for another audience'],
  'for nobody': [({ one }) => one.sign({ aud: undefined }), 'it is for another audience'],
  'that is expired': [({ one }) => one.sign({ exp: LONG_AGO }), 'it is expired'],
  'without an end': [({ one }) => one.sign({ exp: undefined }), 'exp is missing, or no time'],
  'whose end is a text': [
    ({ one }) => one.sign({ exp: String(IN_AN_HOUR) as unknown as number }),
    'exp is missing, or no time',
  ],
  'that is not valid yet': [({ one }) => one.sign({ nbf: IN_AN_HOUR }), 'it is not valid yet'],
  'without a subject': [
    ({ one }) => one.sign({ sub: undefined }),
    'ERR_JWT_CLAIM_VALIDATION_FAILED',
  ],
  'with an empty subject': [({ one }) => one.sign({ sub: '' }), SUB],
  'with a line feed in its subject': [({ one }) => one.sign({ sub: 'a\nb' }), SUB],
  'with a subject that looks like another': [({ one }) => one.sign({ sub: 'аlice' }), SUB],
  'with a subject that is too long': [({ one }) => one.sign({ sub: 'a'.repeat(257) }), SUB],
  'signed with another key': [({ other }) => other.sign(), 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'],
  'with the kid of another key of the issuer': [
    ({ one }) => one.sign({}, { kid: 'two' }),
    'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  ],
  'with a kid that there is not': [
    ({ one }) => one.sign({}, { kid: '../one' }),
    'no key of the issuer is of this kid and algorithm',
  ],
  'with a kid that is a number': [
    ({ one }) => signedWith(one.privateJwk, { alg: 'ES256', kid: 1 }),
    'kid is no text',
  ],
  'without a kid, where two keys can have signed it': [
    ({ one }) => one.sign({}, { kid: undefined }),
    'several keys of the issuer could have signed it',
  ],
  'with a key of its own': [
    ({ other }) => other.sign({}, { jwk: other.jwk }),
    'the header has jwk',
  ],
  'with a URL of keys': [
    ({ other }) => other.sign({}, { jku: 'http://127.0.0.1:1/keys' }),
    'the header has jku',
  ],
  'with a URL of certificates': [
    ({ other }) => other.sign({}, { x5u: 'http://127.0.0.1:1/' }),
    'the header has x5u',
  ],
  'with certificates': [({ other }) => other.sign({}, { x5c: ['AAAA'] }), 'the header has x5c'],
  'with something critical': [
    ({ one }) => signedWith(one.privateJwk, { alg: 'ES256', kid: 'one', crit: ['x'], x: 1 }),
    'the header has crit',
  ],
  'of another type': [
    ({ one }) => one.sign({}, { typ: 'runlet-block+jws' }),
    'typ is neither JWT nor at+jwt',
  ],
  'with the signature of another token': [
    async ({ one }) => {
      const [mine, hers] = [await one.sign({ sub: 'bob' }), await one.sign()];
      const [header, claims] = mine.split('.');
      return `${header}.${claims}.${hers.split('.')[2]}`;
    },
    'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  ],
  'with the claims of another token': [
    async ({ one }) => {
      const [header, , signature] = (await one.sign()).split('.');
      return `${header}.${encoded({ ...goodClaims(), grants: 'admin' })}.${signature}`;
    },
    'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  ],
  'whose signature is written otherwise': [
    async ({ one }) => {
      const token = await one.sign();
      // 64 bytes are 86 characters, the last of which has four bits that say nothing.
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1) ?? '') + 1];
    },
    'the signature is not in base64url',
  ],
  'whose payload is an array': [
    async ({ one }) => {
      const key = await importJWK(one.privateJwk, 'ES256');
      return new CompactSign(Buffer.from('[]'))
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .sign(key);
    },
    'the payload is no object',
  ],
  'whose header is nothing': [async () => 'e30A.e30.', 'the header is not JSON'],
  'that is too long': [
    ({ one }) => one.sign({ more: 'x'.repeat(16 * 1024) }),
    'the token is too long',
  ],
  'with a grant that there is not': [
    ({ one }) => one.sign({ grants: ['start', 'everything'] }),
    'grants has one that there is not',
  ],
  'with grants that are a number': [
    ({ one }) => one.sign({ grants: 7 }),
    'grants is neither a text nor an array of texts',
  ],
  'with a scope that is an array': [({ one }) => one.sign({ scope: [] }), 'scope is no text'],
  'with a session that is none': [
    ({ one }) => one.sign({ runlet_session: 'mine' }),
    'runlet_session is no UUID',
  ],
};

describe('a JWT is refused', () => {
  it.each(Object.entries(WRONG))('%s', async (_what, [make, why]) => {
    const made = await issuer();
    const { authenticator, one } = made;
    const token = await make(made);
    expect(await said(authenticator, token)).toBe(why);
    // Not because the others are, too.
    expect(await said(authenticator, await one.sign())).toBe('jwt:alice');
  });

  it('of an algorithm that was not asked for', async () => {
    const [one, two] = [await signer('one', 'ES384'), await signer('two', 'PS256')];
    const jwks = await jwksFile(jwksOf(one, two));
    const authenticator = await jwtAuthenticator({ jwks, algorithms: ['PS256'] });
    expect(await said(authenticator, await one.sign())).toBe('the algorithm is none that is taken');
    expect(await said(authenticator, await two.sign())).toBe('jwt:alice');
  });

  it('over a real server, which tells its caller nothing, and its log why', async () => {
    const made = await issuer();
    const path = `${await temporaryFolder()}/socket`;
    const address = { kind: 'unix', path } as const;
    const listeners = [{ address, auth: [made.authenticator] }];
    const { log } = await serveHere({ listeners });
    const { server } = connectClients(address);
    const texts = new Set<string>();
    const tokens: string[] = [];
    for (const [make] of Object.values(WRONG)) {
      const token = await make(made);
      // Frames of headers are 16 KiB at most: that one is too long for the server already.
      if (token.length > 16 * 1024) continue;
      tokens.push(token);
      const metadata = { authorization: `Bearer ${token}` };
      const { error, info, summary } = await failureOf(server.getServerInfo({}, { metadata }));
      texts.add(`${summary} ${error.details} ${JSON.stringify(info?.metadata)}`);
    }
    expect([...texts]).toEqual([
      'UNAUTHENTICATED/UNAUTHENTICATED the call has no credentials that are accepted here {}',
    ]);
    const calls = (): readonly string[] => log.filter((line) => line.includes('"method"'));
    await expect.poll(calls).toHaveLength(tokens.length);
    const reasons = calls().map((line) => (JSON.parse(line) as { why: string }).why);
    const wanted = Object.values(WRONG).map(([, why]) => why);
    expect(reasons).toEqual(wanted.filter((why) => why !== 'the token is too long'));
    for (const token of tokens) expect(log.join('')).not.toContain(token);
  });
});

describe('who has a JWT', () => {
  it('is let in by a server, as whom and for what it says', async () => {
    const { authenticator, one } = await issuer();
    const path = `${await temporaryFolder()}/socket`;
    const address = { kind: 'unix', path } as const;
    await serveHere({ listeners: [{ address, auth: [authenticator] }] });
    const { processes, server, sessions } = connectClients(address);
    const sessionId = randomUUID();
    const exp = IN_AN_HOUR;
    const claims = { grants: ['start', 'observe'], runlet_session: sessionId, exp };
    const metadata = { authorization: `Bearer ${await one.sign(claims)}` };
    const { caller } = await server.getServerInfo({}, { metadata });
    expect(caller).toMatchObject({
      name: 'jwt:alice',
      grants: ['start', 'observe'],
      sessionId,
    });
    await sessions.createSession({ sessionId }, { metadata });
    const elsewhere = sessions.createSession({ sessionId: randomUUID() }, { metadata });
    expect((await failureOf(elsewhere)).summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
    const spec = { argv: ['/bin/cat'] };
    const { process } = await processes.startProcess({ sessionId, spec }, { metadata });
    const target = { sessionId, processId: process?.processId ?? '' };
    const stopping = processes.terminateProcess(target, { metadata });
    expect((await failureOf(stopping)).summary).toBe('PERMISSION_DENIED/GRANT_MISSING');
    const bob = { metadata: { authorization: `Bearer ${await one.sign({ sub: 'bob' })}` } };
    const looking = processes.getProcess(target, bob);
    expect((await failureOf(looking)).summary).toBe('NOT_FOUND/SESSION_NOT_FOUND');
  });

  it.each([
    ['EdDSA', {}],
    ['ES256', { typ: 'at+jwt' }],
    ['ES384', { typ: undefined }],
    ['ES512', { typ: 'application/at+jwt' }],
    ['RS256', {}],
    ['RS384', {}],
    ['RS512', {}],
    ['PS256', {}],
    ['PS384', {}],
    ['PS512', {}],
    ['Ed25519', { kid: undefined }],
  ])('may have signed it with %s', async (alg, header) => {
    const one = await signer('one', alg);
    const authenticator = await jwtAuthenticator({ jwks: await jwksFile(jwksOf(one)) });
    expect(await said(authenticator, await one.sign({}, header))).toBe('jwt:alice');
  });

  it.each([
    ['nothing', {}, [...DEFAULT_GRANTS]],
    ['an array', { grants: ['observe', 'files'] }, ['observe', 'files', 'files:read']],
    ['a text with commas', { grants: 'start,observe' }, ['start', 'observe']],
    ['a text with spaces', { grants: 'start  admin' }, ['start', 'admin']],
    ['an empty array', { grants: [] }, []],
    ['a scope', { scope: 'openid observe email' }, ['observe']],
    ['a scope of others', { scope: 'openid' }, []],
    ['grants beside a scope', { grants: ['input'], scope: 'observe' }, ['input']],
  ])('may do what is said by %s', async (_how, claims, grants) => {
    const { authenticator, one } = await issuer();
    const { principal } = await identified(authenticator, await one.sign(claims));
    expect([...principal.grants]).toEqual(grants);
  });

  it('may be of any of the audiences', async () => {
    const one = await signer();
    const jwks = await jwksFile(jwksOf(one));
    const authenticator = await jwtAuthenticator({ jwks, audiences: ['other', AUDIENCE] });
    const token = await one.sign({ aud: ['somebody', 'other'] });
    expect(await said(authenticator, token)).toBe('jwt:alice');
  });

  it('may have a clock that is half a minute off', async () => {
    const { authenticator, one } = await issuer();
    const now = secondsNow();
    const token = await one.sign({ exp: now - 5, nbf: now + 20 });
    expect(await said(authenticator, token)).toBe('jwt:alice');
  });
});

describe('a bearer that is no JWT', () => {
  it.each(['rlt1.abc', 'rlt1.a.b', 'rlt1.a.b.c~d', 'opaque', 'a.b', 'a.b.c.d', 'ä.b.c', ''])(
    'is for others: %s',
    async (bearer) => {
      const { authenticator } = await issuer();
      expect(authenticator.identify(bearing(bearer))).toBeUndefined();
    },
  );
});
