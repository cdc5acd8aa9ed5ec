import { join } from 'node:path';
import type { Address } from '../../src/address.ts';
import { RunletError } from '../../src/errors.ts';
import type { Authenticator } from '../../src/identity/authenticator.ts';
import { DEFAULT_GRANTS, grantSet } from '../../src/identity/grants.ts';
import type { Principal } from '../../src/identity/principal.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';
import type { Identity } from './certificates.ts';
import { type ServedHere, serveHere, temporaryFolder } from './harness.ts';
import { openedTls, pairOf, tlsFolder } from './tls.ts';

/** Who lets in whoever has one of some words, which the test adds and removes as it goes. */
export interface Bearers {
  readonly authenticator: Authenticator;
  /** Lets a word in. Those with one name are one caller. */
  add(word: string, caller?: Partial<Principal>): void;
  /** Lets it in no more, and ends what it has under way. */
  remove(word: string): void;
  /** How often a word was brought that is not let in. */
  refused(): number;
}

/** Knows the words by heart, and nothing of certificates or users. */
export function bearers(...words: readonly string[]): Bearers {
  const callers = new Map<string, Principal>();
  let refused = 0;
  const result: Bearers = {
    authenticator: {
      kind: 'token',
      identify({ bearer }) {
        if (bearer === undefined) return undefined;
        const principal = callers.get(bearer);
        if (principal !== undefined) {
          return { principal, holds: () => callers.get(bearer) === principal };
        }
        refused += 1;
        throw new RunletError('UNAUTHENTICATED', { cause: 'nobody has this word' });
      },
      close: () => {},
    },
    add: (word, caller = {}) =>
      void callers.set(word, {
        name: 'token:tester',
        kind: 'token',
        grants: DEFAULT_GRANTS,
        expiry: Number.POSITIVE_INFINITY,
        sessionId: undefined,
        ...caller,
      }),
    remove: (word) => void callers.delete(word),
    refused: () => refused,
  };
  for (const word of words) result.add(word);
  return result;
}

/** Grants by their names. */
export const granting = (...names: readonly string[]): Pick<Principal, 'grants'> => ({
  grants: grantSet(names),
});

/** Starts a server in this process that takes words alone, on a Unix socket. */
export async function serveBearers(
  { authenticator }: Bearers,
  options: Partial<ServerOptions> = {},
): Promise<ServedHere> {
  const path = join(await temporaryFolder(), 'runlet.sock');
  const address = { kind: 'unix', path } as const;
  const served = await serveHere({ ...options, listeners: [{ address, auth: [authenticator] }] });
  return { ...served, address };
}

/** Does so on a port of this machine, with a certificate. */
export async function serveBearersTls(
  { authenticator }: Bearers,
  server: Identity,
): Promise<ServedHere> {
  const { files } = await tlsFolder(pairOf(server));
  const tls = await openedTls({ files: { cert: files.cert, key: files.key } });
  const address: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
  const served = await serveHere({ listeners: [{ address, auth: [authenticator], tls }] });
  return { ...served, address: served.runlet.addresses[0] ?? address };
}
