import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import {
  connect,
  type NarrowTokenOptions,
  type NewTokenOptions,
  narrowToken,
  newToken,
  OptionError,
  RemoteError,
} from '../../src/client/index.ts';
import { connectClients, serveHere } from '../support/harness.ts';
import { as } from '../support/named-callers.ts';
import { tokenRig } from '../support/token-server.ts';

/** What types do not allow, as a program in JavaScript may give it. */
function wrong<T>(value: unknown): T {
  return value as T;
}

describe('a token that a program makes', () => {
  it('is let in by its line, and narrowed, lets do less', async () => {
    const { line, publicKey, token } = await newToken({ name: 'ci' });
    expect(line).toBe(`ci ${publicKey} all`);
    const { auth } = await tokenRig([line]);
    const served = await serveHere({ auth: [auth] });
    const address = formatAddress(served.address);
    await using client = await connect(address, { token });
    expect((await client.info()).caller).toMatchObject({ name: 'token:ci' });
    const sessionId = randomUUID();
    const notAfter = new Date(Date.now() + 3_600_000);
    const narrowed = await narrowToken(token, {
      sessionId,
      grants: ['observe', 'start'],
      notAfter,
    });
    await connectClients(served.address).sessions.createSession({ sessionId }, as(narrowed));
    await using other = await connect(address, { token: narrowed });
    const session = await other.session({ id: sessionId });
    expect((await other.sessions()).map(({ id }) => id)).toEqual([sessionId]);
    const refused = await session.close().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RemoteError);
    expect(refused).toMatchObject({ reason: 'GRANT_MISSING' });
  });

  it('has its grants and its end in its line', async () => {
    const notAfter = new Date('2030-01-31T12:00:00.900Z');
    const made = await newToken({ name: 'a.b@c-d_9', grants: ['observe', 'input'], notAfter });
    expect(made.line).toBe(
      `a.b@c-d_9 ${made.publicKey} observe,input not-after=2030-01-31T12:00:00Z`,
    );
  });

  it.each<[string, NewTokenOptions]>([
    ['name', { name: 'a b' }],
    ['name', { name: 'ci\nroot' }],
    ['name', wrong({})],
    ['grants', { name: 'ci', grants: [] }],
    ['grants', { name: 'ci', grants: ['sudo'] }],
    ['grants', wrong({ name: 'ci', grants: 'observe' })],
    ['notAfter', wrong({ name: 'ci', notAfter: 5 })],
    ['notAfter', { name: 'ci', notAfter: new Date(Number.NaN) }],
    ['expires', wrong({ name: 'ci', expires: new Date() })],
  ])('is not made with a wrong option: %s', async (option, options) => {
    await expect(newToken(options)).rejects.toMatchObject({ code: 'OPTION_INVALID', option });
  });

  it.each<[string, NarrowTokenOptions]>([
    ['sessionId', { sessionId: 'web' }],
    ['grants', { grants: ['sudo'] }],
    ['grants', { grants: [] }],
    ['notAfter', { notAfter: new Date(-1) }],
    ['session', wrong({ session: randomUUID() })],
  ])('is not narrowed by a wrong option: %s', async (option, options) => {
    const { token } = await newToken({ name: 'ci' });
    await expect(narrowToken(token, options)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      option,
    });
  });

  it('is not made of what is none, of which nothing is said', async () => {
    const secret = 'hunter2'.repeat(5);
    const error: unknown = await narrowToken(secret, {}).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OptionError);
    expect(String(error)).not.toContain('hunter2');
    const { token } = await newToken({ name: 'ci' });
    const narrowed = await narrowToken(token, { grants: ['observe'] });
    await expect(narrowToken(narrowed, { grants: ['start'] })).rejects.toMatchObject({
      option: 'grants',
    });
  });
});
