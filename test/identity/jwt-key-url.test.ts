import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { JWKS_COOLDOWN_MS, JWKS_FETCH_MS, JWKS_REFRESH_MS } from '../../src/limits.ts';
import { FakeClock } from '../support/fake-clock.ts';
import {
  bearing,
  identified,
  jwksOf,
  jwtAuthenticator,
  keptLog,
  keyServer,
  said,
  signer,
} from '../support/jwt.ts';

const NO_KEY = 'no key of the issuer is of this kid and algorithm';

/** Stands at the time that tokens are signed at. */
const clockNow = (): FakeClock => new FakeClock(Date.now());

/** A server that answers what a test says, which may change. */
async function changing(first: (response: ServerResponse) => void) {
  const state = { answer: first };
  const server = await keyServer((_request, response) => state.answer(response));
  const { lines, log } = keptLog();
  const clock = clockNow();
  const authenticator = await jwtAuthenticator({ jwks: server.url, clock, log });
  return { ...server, authenticator, clock, lines, state };
}

const answers = (text: string) => (response: ServerResponse) => void response.end(text);

describe('keys from a URL', () => {
  it('are fetched once for many tokens', async () => {
    const one = await signer('one');
    const { asked, authenticator } = await changing(answers(jwksOf(one)));
    for (let i = 0; i < 5; i++) {
      expect(await said(authenticator, await one.sign({ jti: String(i) }))).toBe('jwt:alice');
    }
    expect(asked()).toBe(1);
  });

  it('are fetched again for a kid that is not known, once for all who ask', async () => {
    const [one, two] = [await signer('one'), await signer('two')];
    const { asked, authenticator, clock, state } = await changing(answers(jwksOf(one)));
    const before = await identified(authenticator, await one.sign());
    state.answer = answers(jwksOf(two));
    clock.skip(JWKS_COOLDOWN_MS);
    const tokens = await Promise.all([1, 2, 3].map((i) => two.sign({ jti: String(i) })));
    const all = await Promise.all(tokens.map((token) => said(authenticator, token)));
    expect(all).toEqual(tokens.map(() => 'jwt:alice'));
    expect(asked()).toBe(2);
    expect(before.holds?.()).toBe(false);
  });

  it('are fetched once in half a minute at most, however many kids are not known', async () => {
    const one = await signer('one');
    const { asked, authenticator, clock } = await changing(answers(jwksOf(one)));
    const flood = async (): Promise<void> => {
      const tokens = [...Array(200).keys()].map((i) => one.sign({}, { kid: `kid ${i}` }));
      for (const token of tokens) expect(await said(authenticator, await token)).toBe(NO_KEY);
    };
    await flood();
    expect(asked()).toBe(1);
    clock.skip(JWKS_COOLDOWN_MS);
    await flood();
    expect(asked()).toBe(2);
    expect(await said(authenticator, await one.sign())).toBe('jwt:alice');
  });

  it('are fetched again after some minutes, so that one which was removed is out', async () => {
    const [one, two] = [await signer('one'), await signer('two')];
    const { authenticator, clock, state } = await changing(answers(jwksOf(one, two)));
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const token = await one.sign({ exp });
    expect(await said(authenticator, token)).toBe('jwt:alice');
    state.answer = answers(jwksOf(two));
    clock.advance(JWKS_REFRESH_MS);
    await expect.poll(() => said(authenticator, token)).toBe(NO_KEY);
  });

  it.each<readonly [string, (response: ServerResponse) => void, string]>([
    ['an error', (response) => void response.writeHead(503).end(), 'the answer has status 503'],
    [
      'a redirect',
      (response) => void response.writeHead(302, { location: '/else' }).end(),
      'the answer has status 302',
    ],
    ['nonsense', answers('hunter2'), 'it is not JSON'],
    ['too much', answers(' '.repeat(300_000)), 'it has more than 262144 bytes'],
    [
      'too much, a bit at a time',
      (response) => {
        const more = (): void => {
          if (response.destroyed) return;
          response.write(' '.repeat(10_000), () => setImmediate(more));
        };
        more();
      },
      'it has more than 262144 bytes',
    ],
    [
      'something compressed',
      (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
      'the answer is encoded',
    ],
    ['nothing', (response) => void response.destroy(), 'ECONNRESET'],
    [
      'a half of it',
      (response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('{', () => response.destroy());
      },
      'ECONNRESET',
    ],
    [
      'another protocol',
      (response) => {
        response.socket?.end('HTTP/1.1 101 Other\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
      },
      '',
    ],
  ])('stay the last good ones while the URL answers %s', async (_what, bad, why) => {
    const [one, two] = [await signer('one'), await signer('two')];
    const { authenticator, clock, lines, state } = await changing(answers(jwksOf(one)));
    state.answer = bad;
    clock.skip(JWKS_COOLDOWN_MS);
    expect(await said(authenticator, await two.sign())).toBe(NO_KEY);
    expect(lines.at(-1)).toContain('the last good ones stay in force');
    expect(lines.at(-1)).toContain(why);
    expect(await said(authenticator, await one.sign())).toBe('jwt:alice');
    state.answer = answers(jwksOf(two));
    clock.advance(JWKS_COOLDOWN_MS);
    await expect.poll(async () => said(authenticator, await two.sign())).toBe('jwt:alice');
    expect(await said(authenticator, await one.sign())).toBe(NO_KEY);
    // Neither what was answered, nor a secret in the URL.
    expect(lines.join()).not.toContain('hunter2');
    expect(lines.at(-1)).toMatch(/"from":"http:\/\/127\.0\.0\.1:\d+\/keys"/);
  });

  it('stay the last good ones while the URL answers nothing for long', async () => {
    const one = await signer('one');
    const { authenticator, clock, lines, state } = await changing(answers(jwksOf(one)));
    const slow = new Promise<ServerResponse>((resolve) => {
      state.answer = resolve;
    });
    clock.skip(JWKS_COOLDOWN_MS);
    const waiting = said(authenticator, await one.sign({}, { kid: 'two' }));
    const response = await slow;
    response.writeHead(200).write('{"keys":');
    // Who has a token of a key that is known does not wait.
    expect(await said(authenticator, await one.sign())).toBe('jwt:alice');
    const closed = once(response, 'close');
    clock.advance(JWKS_FETCH_MS);
    expect(await waiting).toBe(NO_KEY);
    expect(lines.at(-1)).toContain('it took more than 5 s');
    await closed;
  });

  it('need not be there when the server starts: no token is good until they are', async () => {
    const one = await signer('one');
    const { authenticator, clock, lines, state } = await changing(
      (response) => void response.destroy(),
    );
    expect(await said(authenticator, await one.sign())).toBe(NO_KEY);
    expect(lines).toEqual([expect.stringContaining('no JWT is taken until then')]);
    state.answer = answers(jwksOf(one));
    clock.advance(JWKS_COOLDOWN_MS);
    await expect.poll(async () => said(authenticator, await one.sign())).toBe('jwt:alice');
  });

  it('keep those that wait for them few', async () => {
    const one = await signer('one');
    const { authenticator, clock, state } = await changing(answers(jwksOf(one)));
    const slow = new Promise<ServerResponse>((resolve) => {
      state.answer = resolve;
    });
    clock.skip(JWKS_COOLDOWN_MS);
    const flooding = { peerUid: undefined, certificate: undefined };
    const outcome = async (i: number): Promise<unknown> => {
      const token = await one.sign({}, { kid: `kid ${i}` });
      try {
        return await authenticator.identify(bearing(token, flooding));
      } catch (error) {
        return (error as Error).message;
      }
    };
    const flood = [...Array(100).keys()].map(outcome);
    const response = await slow;
    const limited = "the server's limit waiting_jwts of 64 is reached";
    const refusals = await Promise.race([
      Promise.all(flood).then(() => []),
      vi.waitUntil(async () => {
        const now = await Promise.all(flood.map((each) => Promise.race([each, undefined])));
        const refused = now.filter((text) => text === limited);
        return refused.length === 36 && refused;
      }),
    ]);
    expect(refusals).toHaveLength(36);
    // Others are not kept from waiting.
    const two = await signer('two');
    const other = said(authenticator, await two.sign());
    response.end(jwksOf(one, two));
    expect(await other).toBe('jwt:alice');
    await Promise.all(flood);
  });

  it('are not fetched by a proxy', async () => {
    const proxy = createServer().listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const used = vi.fn();
    proxy.on('connection', used);
    const { port } = proxy.address() as { port: number };
    for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'ALL_PROXY']) {
      vi.stubEnv(name, `http://127.0.0.1:${port}`);
    }
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    try {
      const one = await signer('one');
      const { authenticator } = await changing(answers(jwksOf(one)));
      expect(await said(authenticator, await one.sign())).toBe('jwt:alice');
      expect(used).not.toHaveBeenCalled();
    } finally {
      vi.unstubAllEnvs();
      proxy.close();
    }
  });

  it.each([
    ['http://example.com/keys', 'it has to be https'],
    ['http://127.0.0.1.example.com/keys', 'it has to be https'],
    ['ftp://example.com/keys', 'it has to be https'],
    ['file:///etc/keys', 'it has to be https'],
    ['https://me:hunter2@example.com/', 'with a user or a password is not taken'],
    ['https://', 'it is no URL'],
  ])('are not taken from %s', async (jwks, why) => {
    await expect(jwtAuthenticator({ jwks })).rejects.toThrow(why);
  });
});
