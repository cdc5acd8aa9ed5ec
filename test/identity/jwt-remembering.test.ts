import { describe, expect, it } from 'vitest';
import type { Identity } from '../../src/identity/authenticator.ts';
import { JWT_CLOCK_SKEW_MS, MAX_REMEMBERED } from '../../src/limits.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { bearing, jwksFile, jwksOf, jwtAuthenticator, said, signer } from '../support/jwt.ts';

const SECOND = 1000;

describe('a JWT that was good', () => {
  it('is known at once when it comes again', async () => {
    const one = await signer();
    const authenticator = await jwtAuthenticator({ jwks: await jwksFile(jwksOf(one)) });
    const token = bearing(await one.sign());
    const first = authenticator.identify(token);
    expect(first).toBeInstanceOf(Promise);
    // What comes meanwhile waits for the same.
    expect(authenticator.identify(token)).toBe(first);
    const identity = await first;
    expect(authenticator.identify(token)).toBe(identity);
  });

  it('is good until it is over, and not a millisecond longer', async () => {
    const one = await signer();
    const clock = new FakeClock();
    const jwks = await jwksFile(jwksOf(one));
    const authenticator = await jwtAuthenticator({ jwks, clock });
    const token = await one.sign({ exp: clock.now() / SECOND + 60 });
    const identity = (await authenticator.identify(bearing(token))) as Identity;
    const end = clock.now() + 60 * SECOND + JWT_CLOCK_SKEW_MS;
    expect(identity.principal.expiry).toBe(end);
    clock.skip(end - clock.now() - 1);
    expect(authenticator.identify(bearing(token))).toBe(identity);
    clock.skip(1);
    expect(await said(authenticator, token)).toBe('it is expired');
  });

  it('is forgotten before others that came later, and is good all the same', async () => {
    const one = await signer();
    const authenticator = await jwtAuthenticator({ jwks: await jwksFile(jwksOf(one)) });
    const identify = async (i: number): Promise<string> => {
      const token = await one.sign({ jti: String(i) });
      expect(await said(authenticator, token)).toBe('jwt:alice');
      return token;
    };
    const [oldest, used] = [await identify(-1), await identify(-2)];
    for (let i = 0; i < MAX_REMEMBERED - 1; i++) {
      if (i === 10) await authenticator.identify(bearing(used));
      await identify(i);
    }
    expect(authenticator.identify(bearing(used))).not.toBeInstanceOf(Promise);
    expect(authenticator.identify(bearing(oldest))).toBeInstanceOf(Promise);
    expect(await said(authenticator, oldest)).toBe('jwt:alice');
  });

  it('is not forgotten for any number of wrong ones', async () => {
    const [one, other] = [await signer(), await signer()];
    const authenticator = await jwtAuthenticator({ jwks: await jwksFile(jwksOf(one)) });
    const token = await one.sign();
    expect(await said(authenticator, token)).toBe('jwt:alice');
    const [header, claims] = (await other.sign()).split('.');
    for (let i = 0; i < MAX_REMEMBERED + 100; i++) {
      const bytes = Buffer.alloc(64);
      bytes.writeUInt32BE(i);
      const wrong = `${header}.${claims}.${bytes.toString('base64url')}`;
      expect(await said(authenticator, wrong)).toBe('ERR_JWS_SIGNATURE_VERIFICATION_FAILED');
    }
    expect(authenticator.identify(bearing(token))).not.toBeInstanceOf(Promise);
  });
});

describe('a flood of JWTs whose signatures are wrong', () => {
  it('keeps those of other connections waiting for a few of them alone', async () => {
    const [one, other] = [await signer(), await signer()];
    const authenticator = await jwtAuthenticator({ jwks: await jwksFile(jwksOf(one)) });
    const [header, claims] = (await other.sign()).split('.');
    const flooding = { peerUid: undefined, certificate: undefined };
    const order: string[] = [];
    const wrong = async (i: number): Promise<void> => {
      const bytes = Buffer.alloc(64);
      bytes.writeUInt32BE(i);
      const token = `${header}.${claims}.${bytes.toString('base64url')}`;
      try {
        await authenticator.identify(bearing(token, flooding));
      } catch (error) {
        order.push((error as Error).message);
      }
    };
    const flood = [...Array(1000).keys()].map(wrong);
    const good = await said(authenticator, await one.sign());
    expect(good).toBe('jwt:alice');
    const verified = order.filter((text) => text.includes('credentials'));
    await Promise.all(flood);
    const limited = "the server's limit waiting_jwts of 64 is reached";
    expect(order.filter((text) => text === limited)).toHaveLength(1000 - 64);
    expect(verified.length).toBeLessThan(64);
  });
});
