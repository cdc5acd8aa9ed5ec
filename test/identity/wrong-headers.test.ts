import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anybodyAuthenticator } from '../../src/identity/anybody.ts';
import type { Authenticator } from '../../src/identity/authenticator.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import { linedToken, tokenRig } from '../support/token-server.ts';

type Asked = (authorization?: string) => Promise<unknown>;

/** Asks a server that lets in by these whom it takes a call for, by the header of the call. */
async function asking(auth: readonly Authenticator[]): Promise<Asked> {
  const address = { kind: 'unix', path: join(await temporaryFolder(), 'runlet.sock') } as const;
  await serveHere({ listeners: [{ address, auth }] });
  const { server } = connectClients(address);
  return async (authorization) => {
    const metadata = authorization === undefined ? {} : { authorization };
    const asked = server.getServerInfo({}, { metadata });
    return asked.then(
      ({ caller }) => caller?.name,
      async (error: unknown) => (await failureOf(Promise.reject(error))).summary,
    );
  };
}

describe('a listener that takes tokens, and anybody', () => {
  const { line, token } = linedToken('ci');
  const wrong = [
    'Basic eDp5',
    'Bearer',
    'Bearer opaque',
    `Bearer ${token},${token}`,
    `Bearer ${token} ${token}`,
    `Bearer "${token}"`,
    `Bearer: ${token}`,
    `DPoP ${token}`,
    token,
  ];

  it.each(wrong.map((header) => [header.replaceAll(token, 'TOKEN'), header]))(
    'lets in nobody by a connection whose call says %j',
    async (_name, header) => {
      const asked = await asking([(await tokenRig([line])).auth, anybodyAuthenticator()]);
      expect(await asked(header)).toBe('UNAUTHENTICATED/UNAUTHENTICATED');
    },
  );

  it('lets in whoever says nothing, and the holder of a token', async () => {
    const asked = await asking([(await tokenRig([line])).auth, anybodyAuthenticator()]);
    expect(await asked()).toBe('none:anybody');
    expect(await asked(`bEARER  ${token}`)).toBe('token:ci');
  });

  it('asks for tokens first, in whatever order it has them', async () => {
    const asked = await asking([anybodyAuthenticator(), (await tokenRig([line])).auth]);
    expect(await asked('Bearer opaque')).toBe('UNAUTHENTICATED/UNAUTHENTICATED');
    expect(await asked(`Bearer ${token}`)).toBe('token:ci');
  });
});

describe('a listener that takes no tokens', () => {
  it('does not look at what a proxy adds for others', async () => {
    const asked = await asking([anybodyAuthenticator()]);
    expect(await asked('Bearer opaque')).toBe('none:anybody');
  });
});
