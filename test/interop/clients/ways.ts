import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeToken, narrow } from '../../../src/identity/tokens/make-token.ts';
import { certify, type Identity, makeAuthority } from '../../support/certificates.ts';
import { type ServedProcess, serve } from '../support.ts';
import type { Access } from './access.ts';

/** A server that lets clients in one way, and how they get in. */
export interface Way {
  readonly address: string;
  readonly access: Access;
  /** Ends the server; resolves with its exit code. */
  end(): Promise<number | null>;
}

/** A way in with a token, which can be changed. */
export interface TokenWay extends Way {
  /** Has the server not take the token any more; with `again` the client has the next before. */
  takeBack(again: boolean): Promise<void>;
  /** Narrows the token of the client to some grants. */
  narrow(grants: readonly string[]): Promise<void>;
}

/** The way in that has no TLS. */
export const PLAIN = 'without TLS';

/** How a way is opened, by what it is: "a client ... over mutual TLS". */
export const WAYS: Readonly<Record<string, () => Promise<Way>>> = {
  [PLAIN]: async () => {
    const served = await serve();
    return { ...served, access: {}, end: served.stop };
  },
  'over mutual TLS': () =>
    inFolder(async (folder) => {
      const { ca, tls } = await serverOf(folder);
      const own = await certify('client', ca, { uris: ['spiffe://example.org/client'] });
      const names = ['--client-name', 'spiffe://example.org/client'];
      const served = await serve(...tls, '--auth', 'mtls', '--client-ca', ca.path, ...names);
      return { ...served, access: { ca: ca.path, ...(await write(folder, 'client', own)) } };
    }),
  'with a token over TLS': openTokenWay,
};

/** Opens a way in with a token. */
export function openTokenWay(): Promise<TokenWay> {
  return inFolder(async (folder) => {
    const [tokenFile, lines] = [join(folder, 'token'), join(folder, 'tokens')];
    const renew = async (): Promise<string> => {
      const { publicKey, token } = makeToken();
      await replace(tokenFile, token);
      return `client ${publicKey} all\n`;
    };
    await replace(lines, await renew());
    const { ca, tls } = await serverOf(folder);
    return {
      ...(await serve(...tls, '--auth', 'token', '--token-file', lines)),
      access: { ca: ca.path, tokenFile },
      takeBack: async (again) => replace(lines, again ? await renew() : '# nobody\n'),
      narrow: async (grants) => {
        const token = await readFile(tokenFile, 'utf8');
        await replace(tokenFile, await narrow(token, { grants }));
      },
    };
  });
}

/** A way with files in a folder, which goes with it. */
async function inFolder<W extends Omit<Way, 'end'>>(
  open: (folder: string) => Promise<W & ServedProcess>,
): Promise<W & Way> {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-test-'));
  const way = await open(folder);
  return {
    ...way,
    async end() {
      const code = await way.stop();
      await rm(folder, { recursive: true, force: true });
      return code;
    },
  };
}

/** An authority, and the flags of a server that has a certificate of it. */
async function serverOf(folder: string) {
  const authority = await makeAuthority('authority');
  const path = join(folder, 'ca.pem');
  await writeFile(path, authority.certificate);
  const { cert, key } = await write(folder, 'server', await certify('server', authority));
  return { ca: { ...authority, path }, tls: ['--tls-cert', cert, '--tls-key', key] };
}

async function write(folder: string, name: string, { certificate, key }: Identity) {
  const paths = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  await writeFile(paths.cert, certificate);
  await writeFile(paths.key, key, { mode: 0o600 });
  return paths;
}

/** Nobody reads half of it. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
