import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Authenticator } from '../../src/identity/authenticator.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import {
  identified,
  jwksFile,
  jwksOf,
  jwtAuthenticator,
  keptLog,
  type Signer,
  said,
  signer,
} from '../support/jwt.ts';

const NO_KEY = 'no key of the issuer is of this kid and algorithm';

/** Waits until tokens of one are good, and those of another are not. */
async function waitForChange(authenticator: Authenticator, good: Signer, bad: Signer) {
  const [goodToken, badToken] = [await good.sign(), await bad.sign()];
  await expect.poll(() => said(authenticator, goodToken)).toBe('jwt:alice');
  expect(await said(authenticator, badToken)).toBe(NO_KEY);
}

/** The mode of a file that is read in place of another. */
const PRIVATE = { mode: 0o600 };

describe('the file of keys', () => {
  it.each<readonly [string, (path: string, text: string) => Promise<void>]>([
    ['written to', (path, text) => writeFile(path, text)],
    [
      'replaced',
      async (path, text) => {
        await writeFile(`${path}.new`, text, PRIVATE);
        await rename(`${path}.new`, path);
      },
    ],
  ])('is read again when it is %s', async (_how, change) => {
    const [one, two] = [await signer('one'), await signer('two')];
    const path = await jwksFile(jwksOf(one));
    const authenticator = await jwtAuthenticator({ jwks: path });
    const before = await identified(authenticator, await one.sign());
    expect(before.holds?.()).toBe(true);
    await change(path, jwksOf(two));
    await waitForChange(authenticator, two, one);
    expect(before.holds?.()).toBe(false);
    // As often as that happens.
    await change(path, jwksOf(one));
    await waitForChange(authenticator, one, two);
  });

  it('is read again when a link leads elsewhere, as a volume of Kubernetes does it', async () => {
    const [one, two] = [await signer('one'), await signer('two')];
    const folder = await temporaryFolder();
    const at = (name: string): string => join(folder, name);
    for (const [name, key] of [
      ['..first', one],
      ['..second', two],
    ] as const) {
      await mkdir(at(name));
      await writeFile(join(at(name), 'jwks.json'), jwksOf(key), PRIVATE);
    }
    await symlink('..first', at('..data'));
    await symlink('..data/jwks.json', at('jwks.json'));
    const authenticator = await jwtAuthenticator({ jwks: at('jwks.json') });
    expect(await said(authenticator, await one.sign())).toBe('jwt:alice');
    await symlink('..second', at('..data_tmp'));
    await rename(at('..data_tmp'), at('..data'));
    await waitForChange(authenticator, two, one);
  });

  it.each<readonly [string, (path: string, one: Signer) => Promise<unknown>, string]>([
    ['no JSON', (path) => writeFile(path, 'hunter2'), 'it is not JSON'],
    ['no set of keys', (path) => writeFile(path, '{"keys":[1]}'), 'it is no JSON object'],
    [
      'private',
      (path, { privateJwk }) => writeFile(path, JSON.stringify({ keys: [privateJwk] })),
      'a key in it is private',
    ],
    ['too large', (path) => writeFile(path, ' '.repeat(300_000)), 'it has more than'],
    ['missing', (path) => rm(path), 'ENOENT'],
    ['writable by others', (path) => chmod(path, 0o620), 'other users can write to it'],
    [
      'a pipe',
      async (path) => {
        await rm(path);
        execFileSync('mkfifo', [path]);
      },
      'it is no file',
    ],
  ])('that is %s leaves the last good one in force', async (_what, spoil, why) => {
    const [one, two] = [await signer('one'), await signer('two')];
    const path = await jwksFile(jwksOf(one));
    const { lines, log } = keptLog();
    const authenticator = await jwtAuthenticator({ jwks: path, log });
    await spoil(path, one);
    await expect.poll(() => lines.join('\n')).toContain(why);
    // Said once, however often it is looked at.
    const count = lines.length;
    expect(await said(authenticator, await one.sign())).toBe('jwt:alice');
    await writeFile(`${path}.new`, jwksOf(two), PRIVATE);
    await rename(`${path}.new`, path);
    await waitForChange(authenticator, two, one);
    await expect.poll(() => lines.at(-1)).toContain('can be read again');
    expect(lines).toHaveLength(count + 2);
    expect(lines.join()).not.toContain('hunter2');
  });

  it.each([
    ['hunter2', 'it is not JSON'],
    ['[]', 'it is no JSON object with an array `keys` of objects'],
    [JSON.stringify({ keys: Array(129).fill({}) }), 'there are more than 128 keys'],
    ['{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', 'a key in it is private'],
  ])('that makes no sense lets nothing start: %#', async (text, why) => {
    const path = await jwksFile(text);
    await expect(jwtAuthenticator({ jwks: path })).rejects.toThrow(`${path}: ${why}`);
  });

  it('may have keys that are for something else', async () => {
    const one = await signer('one');
    const keys = [
      { kty: 'RSA', kid: 'one', n: 'AQAB', e: 'AQAB' },
      { kty: 'OKP', crv: 'X25519', kid: 'one', x: 'AAAA' },
      { ...one.jwk, use: 'enc' },
      { ...one.jwk, alg: 'ECDH-ES' },
      { ...one.jwk, use: undefined, key_ops: ['deriveKey'] },
      { kty: 'new', kid: 'one' },
      one.jwk,
      one.jwk,
    ];
    const path = await jwksFile(JSON.stringify({ keys }));
    const authenticator = await jwtAuthenticator({ jwks: path });
    expect(await said(authenticator, await one.sign())).toBe('jwt:alice');
  });

  it('may have a key that is no point of its curve: no token is of it', async () => {
    const one = await signer('one');
    const path = await jwksFile(JSON.stringify({ keys: [{ ...one.jwk, x: one.jwk.y }] }));
    const authenticator = await jwtAuthenticator({ jwks: path });
    expect(await said(authenticator, await one.sign())).toBe('its key cannot be used');
  });
});

describe('a stream whose token was signed with a key', () => {
  it('ends when that key is taken out of the file', async () => {
    const [one, two] = [await signer('one'), await signer('two')];
    const path = await jwksFile(jwksOf(one, two));
    const authenticator = await jwtAuthenticator({ jwks: path });
    const address = { kind: 'unix', path: join(await temporaryFolder(), 'socket') } as const;
    await serveHere({ listeners: [{ address, auth: [authenticator] }] });
    const { sessions } = connectClients(address);
    const metadata = { authorization: `Bearer ${await one.sign()}` };
    const { session } = await sessions.createSession({}, { metadata });
    const sessionId = session?.sessionId ?? '';
    const stream = sessions.attachSession({ sessionId }, { metadata });
    const events = stream[Symbol.asyncIterator]();
    await events.next();
    await writeFile(path, jwksOf(two));
    const rest = async (): Promise<void> => {
      while (!(await events.next()).done);
    };
    expect((await failureOf(rest())).summary).toBe('UNAUTHENTICATED/UNAUTHENTICATED');
    // The same caller goes on with another key.
    const renewed = { metadata: { authorization: `Bearer ${await two.sign()}` } };
    const again = await sessions.getSession({ sessionId }, renewed);
    expect(again.session?.sessionId).toBe(sessionId);
  });
});
