import { describe, expect, it } from 'vitest';
import { RunletError } from '../../../src/errors.ts';
import type { Authenticator, Identity } from '../../../src/identity/authenticator.ts';
import { makeToken, narrow } from '../../../src/identity/tokens/make-token.ts';
import { FILES_LOOK_MS, MAX_REMEMBERED, MAX_UNVERIFIED_EACH } from '../../../src/limits.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import {
  type LinedToken,
  linedToken,
  type TokenRig,
  tokenRig,
} from '../../support/token-server.ts';
import { narrowedByHand, seedOf, signedBlock } from '../../support/tokens.ts';

const SESSION = '018f3a5e-7c1b-7d2a-9f60-3b5c8e1d4a77';
const NOWHERE = { peerUid: undefined, certificate: undefined };

const ADA = linedToken('ada', { seed: seedOf(1) });
const BEN = linedToken('ben', { seed: seedOf(2) });

/** What the authenticator says of a token, at once or later. */
const ask = (auth: Authenticator, bearer: string | undefined) =>
  auth.identify({ connection: NOWHERE, bearer });

async function identified(auth: Authenticator, bearer: string): Promise<Identity> {
  const identity = await ask(auth, bearer);
  if (identity === undefined) throw new Error('it knows no such credentials');
  return identity;
}

/** Why a token is refused, for the log. */
async function whyRefused(auth: Authenticator, bearer: string): Promise<string> {
  const error: unknown = await (async () => ask(auth, bearer))().catch((caught: unknown) => caught);
  if (!(error instanceof RunletError)) throw new Error('it is not refused');
  expect(error.reason).toBe('UNAUTHENTICATED');
  expect(error.details.message).toBeUndefined();
  expect(String(error.cause)).not.toContain(bearer.slice(5));
  return String(error.cause).replace('a token is refused: ', '');
}

/** Has other lines be in force. */
async function rewrite(rig: TokenRig, clock: FakeClock, ...lines: string[]): Promise<void> {
  rig.write(...lines);
  for (const _ of ['found', 'found the same']) {
    clock.advance(FILES_LOOK_MS);
    await expect.poll(() => clock.pending).toBe(1);
  }
}

describe('a token', () => {
  it('is told from what else may be a bearer', async () => {
    const { auth } = await tokenRig([ADA.line]);
    for (const bearer of [undefined, '', 'eyJhbGciOiJFUzI1NiJ9.e30.AA', 'rlt2.x', 'RLT1.x']) {
      expect(ask(auth, bearer)).toBeUndefined();
    }
  });

  it('makes its holder known, by what the file says', async () => {
    const line = linedToken('ci@x', {
      seed: seedOf(3),
      grants: ['observe', 'files'],
      notAfter: Date.UTC(2100, 0),
    });
    const { auth } = await tokenRig([ADA.line, line.line]);
    expect((await identified(auth, line.token)).principal).toEqual({
      name: 'token:ci@x',
      kind: 'token',
      grants: new Set(['observe', 'files', 'files:read']),
      expiry: Date.UTC(2100, 0),
      sessionId: undefined,
    });
    expect((await identified(auth, ADA.token)).principal.expiry).toBe(Number.POSITIVE_INFINITY);
  });

  it('that was narrowed lets do what the line and all blocks allow', async () => {
    const line = linedToken('ci', {
      grants: ['observe', 'input', 'files'],
      notAfter: Date.UTC(2101, 0),
    });
    const { auth } = await tokenRig([line.line]);
    const once = await narrow(line.token, { grants: ['start', 'observe', 'files'], exp: 4e9 });
    const twice = await narrow(once, {
      grants: ['files:read', 'start'],
      sessionId: SESSION,
      exp: 5e9,
    });
    expect((await identified(auth, once)).principal).toEqual({
      name: 'token:ci',
      kind: 'token',
      grants: new Set(['observe', 'files', 'files:read']),
      expiry: 4e12,
      sessionId: undefined,
    });
    const { expiry, grants, sessionId } = (await identified(auth, twice)).principal;
    expect({ expiry, grants, sessionId }).toEqual({
      expiry: 4e12,
      grants: new Set(['files:read']),
      sessionId: SESSION,
    });
  });

  it('is known at once when it comes again', async () => {
    const { auth } = await tokenRig([ADA.line]);
    const narrowed = await narrow(ADA.token, { grants: ['observe'] });
    for (const token of [ADA.token, narrowed]) {
      const first = await identified(auth, token);
      expect(ask(auth, token)).toBe(first);
    }
  });

  it('is verified once for all calls that come with it at one time', async () => {
    const { auth } = await tokenRig([ADA.line]);
    const narrowed = await narrow(ADA.token, { grants: ['observe'] });
    const calls = Array.from({ length: 10 * MAX_UNVERIFIED_EACH }, () => ask(auth, narrowed));
    const identities = new Set(await Promise.all(calls));
    expect(identities.size).toBe(1);
  });

  it('is refused when it is over', async () => {
    const clock = new FakeClock();
    const end = clock.now() + 10_000;
    const line = linedToken('ci', { notAfter: end + 5_000 });
    const { auth } = await tokenRig([line.line], clock);
    const narrowed = await narrow(line.token, { exp: end / 1000 });
    const late = await narrow(line.token, { exp: end / 1000, grants: ['observe'] });
    expect(await identified(auth, narrowed)).toBe(ask(auth, narrowed));
    clock.skip(10_000);
    for (const token of [narrowed, narrowed, late]) {
      expect(await whyRefused(auth, token)).toBe('it is over');
    }
    await identified(auth, line.token);
    clock.skip(5_000);
    expect(await whyRefused(auth, line.token)).toBe('it is over');
  });

  it.each([
    ['of a key that is not in the file', BEN.token, 'its key is not in the token file'],
    ['of a holder whose first key is not', narrowedByHand(seedOf(2), seedOf(9)), 'its key is not'],
    ['that is the seed of one that was narrowed', makeToken(seedOf(9)).token, 'its key is not'],
    ['that is none', 'rlt1.hello', 'it does not end with a seed'],
    ['that is too long', `rlt1.${'A'.repeat(9000)}`, 'it is too long'],
    [
      'that somebody else signed',
      narrowedByHand(seedOf(9), seedOf(8), {
        header: { alg: 'EdDSA', typ: 'runlet-block+jws', kid: ADA.publicKey },
      }),
      'the signature of a block is wrong',
    ],
  ])('is refused each time: one %s', async (_, token, why) => {
    const { auth } = await tokenRig([ADA.line]);
    for (let i = 0; i < 3; i++) expect(await whyRefused(auth, token)).toContain(why);
  });
});

describe('a token whose line changes', () => {
  const narrowed = (): Promise<string> => narrow(ADA.token, { grants: ['observe', 'input'] });

  it('is not known any more once it is removed, and is again when it is back', async () => {
    const clock = new FakeClock(Date.now());
    const rig = await tokenRig([ADA.line, BEN.line], clock);
    const tokens = [ADA.token, await narrowed()];
    const before = await Promise.all(tokens.map((token) => identified(rig.auth, token)));
    await rewrite(rig, clock, BEN.line);
    for (const token of tokens) {
      expect(await whyRefused(rig.auth, token)).toBe('its key is not in the token file');
    }
    expect(before.map((identity) => identity.holds?.())).toEqual([false, false]);
    await rewrite(rig, clock, ADA.line);
    for (const token of tokens) expect(ask(rig.auth, token)).toMatchObject({ principal: {} });
  });

  it('may do what the new line says from then on, without being verified again', async () => {
    const clock = new FakeClock(Date.now());
    const rig = await tokenRig([ADA.line], clock);
    const token = await narrowed();
    const before = await identified(rig.auth, token);
    await rewrite(rig, clock, ADA.line.replace('all', 'observe,signal'));
    const after = ask(rig.auth, token);
    expect(after).toMatchObject({ principal: { grants: new Set(['observe']) } });
    expect(before.holds?.()).toBe(false);
  });

  it.each([
    ['more grants', 'ada', 'start,observe,input,admin', true],
    ['a grant that it has not', 'ada', 'observe,input', true],
    ['a grant that it has', 'ada', 'observe', false],
    ['its name', 'eve', 'all', false],
  ])(
    'holds for what is under way unless that is taken away: %s',
    async (_, name, grants, holds) => {
      const clock = new FakeClock(Date.now());
      const rig = await tokenRig([ADA.line], clock);
      const identity = await identified(rig.auth, await narrowed());
      expect(identity.holds?.()).toBe(true);
      await rewrite(rig, clock, `${name} ${ADA.publicKey} ${grants}`);
      expect(identity.holds?.()).toBe(holds);
    },
  );

  it('holds until a new end', async () => {
    const clock = new FakeClock(Date.now());
    const rig = await tokenRig([ADA.line], clock);
    const identity = await identified(rig.auth, ADA.token);
    const end = new Date(clock.now() + 60_000).toISOString();
    await rewrite(rig, clock, `${ADA.line} not-after=${end}`);
    expect(identity.holds?.()).toBe(true);
    clock.skip(60_000);
    expect(identity.holds?.()).toBe(false);
  });

  it('is somebody else if another line has its key', async () => {
    const clock = new FakeClock(Date.now());
    const rig = await tokenRig([ADA.line], clock);
    await identified(rig.auth, ADA.token);
    await rewrite(rig, clock, ADA.line.replace('ada', 'eve'));
    expect(ask(rig.auth, ADA.token)).toMatchObject({ principal: { name: 'token:eve' } });
  });
});

describe('a flood of wrong tokens', () => {
  /** A token that looks like one of a holder, by somebody who knows the public key alone. */
  const forged = (of: LinedToken, i: number): string => {
    const seed = Buffer.alloc(32);
    seed.writeUInt32LE(i + 1);
    return narrowedByHand(seedOf(9), seed, {
      header: { alg: 'EdDSA', typ: 'runlet-block+jws', kid: of.publicKey },
    });
  };

  it('takes the place of no good one', async () => {
    const { auth } = await tokenRig([ADA.line]);
    const good = await narrow(ADA.token, { grants: ['observe'] });
    const identity = await identified(auth, good);
    for (let i = 0; i <= MAX_REMEMBERED; i++) {
      const seed = Buffer.alloc(32);
      seed.writeUInt32LE(i + 1);
      expect(() => ask(auth, makeToken(seed).token)).toThrow(RunletError);
    }
    expect(ask(auth, good)).toBe(identity);
  });

  it('in the name of one key keeps no other from being verified', async () => {
    const { auth } = await tokenRig([ADA.line, BEN.line]);
    const order: string[] = [];
    const room = MAX_UNVERIFIED_EACH;
    const wrong = Array.from({ length: room }, async (_, i) => {
      const why = await whyRefused(auth, forged(ADA, i));
      order.push('wrong');
      return why;
    });
    expect(() => ask(auth, forged(ADA, room))).toThrow('limit waiting_tokens of 64 is reached');
    const right = await identified(auth, await narrow(BEN.token, { grants: ['observe'] }));
    const before = order.length;
    expect(right.principal.name).toBe('token:ben');
    expect(new Set(await Promise.all(wrong))).toEqual(
      new Set(['the signature of a block is wrong']),
    );
    expect(before).toBeLessThan(room);
    // And what had to be refused for now is not refused for ever.
    expect(await whyRefused(auth, forged(ADA, room))).toBe('the signature of a block is wrong');
  });

  it('does not get far with keys that are not in the file', async () => {
    const { auth } = await tokenRig([ADA.line]);
    const chain = `rlt1.${signedBlock(seedOf(3), seedOf(4))}~${signedBlock(seedOf(4), seedOf(5))}`;
    const token = `${chain}~${seedOf(5).toString('base64url')}`;
    // At once: no signature was looked at.
    expect(() => ask(auth, token)).toThrow(RunletError);
  });
});
