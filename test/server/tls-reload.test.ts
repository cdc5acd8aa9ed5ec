import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { FILES_LOOK_MS, MAX_TLS_FILE_BYTES } from '../../src/limits.ts';
import type { TlsFiles } from '../../src/server/tls/tls-files.ts';
import { openTls, type TlsSource } from '../../src/server/tls/tls-source.ts';
import { certify, type Identity, makeAuthority, revoke } from '../support/certificates.ts';
import { errorOf } from '../support/client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/harness.ts';
import { settle } from '../support/settle.ts';
import { keptLog, openedTls, pairOf, tlsFolder } from '../support/tls.ts';

let authority: Identity;
let one: Identity;
let two: Identity;

beforeAll(async () => {
  authority = await makeAuthority('authority');
  [one, two] = await Promise.all([certify('one', authority), certify('two', authority)]);
});

interface Watched {
  readonly source: TlsSource;
  /** What the log has of problems so far. */
  problems(): readonly unknown[];
  warnings(): readonly unknown[];
  /** Has the files looked at some times, twice unless told otherwise: they are read then. */
  look(times?: number): Promise<void>;
}

async function watch(files: TlsFiles): Promise<Watched> {
  const clock = new FakeClock();
  const { lines, logger } = keptLog();
  const source = await openedTls({ files, logger, clock });
  const all = (name: string): readonly unknown[] =>
    lines.flatMap((line) => (line[name] === undefined ? [] : [line[name]]));
  return {
    source,
    problems: () => all('problem'),
    warnings: () => all('warning'),
    async look(times = 2) {
      for (let i = 0; i < times; i += 1) {
        clock.advance(FILES_LOOK_MS);
        // The next is set when this one is over.
        await expect.poll(() => clock.pending, { interval: 1 }).toBe(1);
      }
    },
  };
}

const fingerprint = ({ certificate }: Identity): string =>
  new X509Certificate(certificate).fingerprint256;

const currentOf = ({ current }: TlsSource): string => current.certificate.fingerprint256;

/** More looks than it takes to tell of anything. */
const LOOKS = 5;

describe('the files of TLS', () => {
  it('are read again when they were replaced', async () => {
    const { files, put } = await tlsFolder(pairOf(one));
    const { look, problems, source } = await watch({ cert: files.cert, key: files.key });
    await put(pairOf(two));
    await look();
    expect(currentOf(source)).toBe(fingerprint(two));
    await look(LOOKS);
    expect(problems()).toEqual([]);
  });

  it('are read again when they were written to', async () => {
    const { files } = await tlsFolder(pairOf(one));
    const { look, source } = await watch({ cert: files.cert, key: files.key });
    await writeFile(files.key, two.key);
    await writeFile(files.cert, two.certificate);
    await look();
    expect(currentOf(source)).toBe(fingerprint(two));
  });

  it('are read again when a link above them leads elsewhere, as Kubernetes has it', async () => {
    const folder = await temporaryFolder();
    const write = async (name: string, identity: Identity): Promise<void> => {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'tls.crt'), identity.certificate, { mode: 0o600 });
      await writeFile(join(folder, name, 'tls.key'), identity.key, { mode: 0o600 });
    };
    await write('..one', one);
    await symlink('..one', join(folder, '..data'));
    const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    await symlink('..data/tls.crt', files.cert);
    await symlink('..data/tls.key', files.key);
    const { look, problems, source } = await watch(files);
    await write('..two', two);
    await symlink('..two', join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    await rm(join(folder, '..one'), { recursive: true });
    await look();
    expect(currentOf(source)).toBe(fingerprint(two));
    await look(LOOKS);
    expect(problems()).toEqual([]);
  });

  it('that do not fit together leave the last good ones, and are told of once', async () => {
    const { files, put } = await tlsFolder(pairOf(one));
    const { look, problems, source } = await watch({ cert: files.cert, key: files.key });
    await put({ cert: two.certificate });
    await look(LOOKS);
    expect(currentOf(source)).toBe(fingerprint(one));
    const problem = `${files.key}: it is not the key of the certificate in ${files.cert}`;
    expect(problems()).toEqual([problem]);
    await put({ key: two.key });
    await look();
    expect(currentOf(source)).toBe(fingerprint(two));
    // The same again is another one.
    await put({ key: one.key });
    await look(LOOKS);
    expect(problems()).toEqual([problem, problem]);
    expect(currentOf(source)).toBe(fingerprint(two));
  });

  it('that are between two states at one look are not told of', async () => {
    const { files, put } = await tlsFolder(pairOf(one));
    const { look, problems } = await watch({ cert: files.cert, key: files.key });
    await put({ cert: two.certificate });
    await look(1);
    await put({ key: two.key });
    await look(LOOKS);
    expect(problems()).toEqual([]);
  });

  it('that are gone, empty, cut or garbage leave the last good ones', async () => {
    const { files, put } = await tlsFolder(pairOf(one));
    const { look, problems, source } = await watch({ cert: files.cert, key: files.key });
    const half = two.certificate.subarray(0, two.certificate.length / 2);
    for (const cert of [
      '',
      'garbage',
      half,
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    ]) {
      await put({ cert: Buffer.from(cert) });
      await look(LOOKS);
    }
    await rm(files.cert);
    await look(LOOKS);
    await put(pairOf(one));
    await put({ key: Buffer.from('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----') });
    await look(LOOKS);
    expect(currentOf(source)).toBe(fingerprint(one));
    expect(problems()).toEqual([
      `${files.cert}: it has no certificate`,
      `${files.cert}: it has a certificate that cannot be read`,
      `${files.cert}: it cannot be read (ENOENT)`,
      `${files.key}: it has no private key that can be read without a password`,
    ]);
    await put(pairOf(two));
    await look();
    expect(currentOf(source)).toBe(fingerprint(two));
  });

  it('are told of when they are written anew, and only if they say something else', async () => {
    const { files, put } = await tlsFolder(pairOf(one));
    const { look, source } = await watch({ cert: files.cert, key: files.key });
    const replaced: string[] = [];
    source.onReplaced(({ certificate }) => void replaced.push(certificate.fingerprint256));
    await put(pairOf(one));
    await look(LOOKS);
    expect(replaced).toEqual([]);
    await put(pairOf(two));
    await look(LOOKS);
    expect(replaced).toEqual([fingerprint(two)]);
  });

  it('are looked at no more once they are closed', async () => {
    const { files } = await tlsFolder(pairOf(one));
    const clock = new FakeClock();
    const source = await openTls({
      files: { cert: files.cert, key: files.key },
      clock,
      logger: keptLog().logger,
    });
    clock.advance(FILES_LOOK_MS);
    // In the middle of a look.
    source.close();
    // What it looks at is told before what is asked for after it, or soon after.
    for (let i = 0; i < 10; i += 1) await stat(files.cert);
    await settle();
    expect(clock.pending).toBe(0);
  });
});

describe('files of TLS that a server does not start with', () => {
  const open = async (files: TlsFiles): Promise<string> =>
    (await errorOf(openedTls({ files }))).message;

  it('are a certificate and the key of another', async () => {
    const { files } = await tlsFolder({ cert: one.certificate, key: two.key });
    expect(await open({ cert: files.cert, key: files.key })).toBe(
      `${files.key}: it is not the key of the certificate in ${files.cert}`,
    );
  });

  it('are ones that are missing', async () => {
    const { files } = await tlsFolder(pairOf(one));
    for (const name of ['clientCa', 'clientCrl'] as const) {
      const { cert, key } = files;
      expect(await open({ cert, key, [name]: files[name] })).toBe(
        `${files[name]}: it cannot be read (ENOENT)`,
      );
    }
  });

  it('are folders, pipes and what is too large', async () => {
    const { files, folder } = await tlsFolder(pairOf(one));
    expect(await open({ ...pathsOf(files), cert: folder })).toBe(`${folder}: it is no file`);
    expect(await open({ ...pathsOf(files), cert: '/dev/zero' })).toBe('/dev/zero: it is no file');
    await writeFile(files.cert, Buffer.alloc(MAX_TLS_FILE_BYTES + 1));
    expect(await open(pathsOf(files))).toBe(
      `${files.cert}: it has more than ${MAX_TLS_FILE_BYTES} bytes`,
    );
  });

  it('are authorities and lists of which there are none in their files', async () => {
    const { files } = await tlsFolder({
      ...pairOf(one),
      clientCa: one.key,
      clientCrl: one.certificate,
    });
    const { cert, clientCa, clientCrl, key } = files;
    expect(await open({ cert, key, clientCa })).toBe(`${clientCa}: it has no certificate`);
    await writeFile(clientCa, authority.certificate);
    expect(await open({ cert, key, clientCa, clientCrl })).toBe(
      `${clientCrl}: it has no list of revoked certificates`,
    );
    const cut = (await revoke(authority, [one])).toString().replace(/\n.{20}/, '\n');
    await writeFile(clientCrl, cut);
    expect(await open({ cert, key, clientCa, clientCrl })).toContain('CRL');
  });

  it('are a key that others can write to', async () => {
    const { files } = await tlsFolder(pairOf(one));
    for (const mode of [0o660, 0o602]) {
      await chmod(files.key, mode);
      expect(await open(pathsOf(files))).toBe(
        `${files.key}: other users can write to it (chmod go-w)`,
      );
    }
  });

  it('never have what they say of the key in the error', async () => {
    const secret = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg';
    const { files } = await tlsFolder({ cert: one.certificate, key: Buffer.from(secret) });
    expect(await open(pathsOf(files))).not.toContain(secret.slice(0, 8));
  });
});

describe('what an operator is told of', () => {
  it('is a key that everybody can read', async () => {
    const { files } = await tlsFolder(pairOf(one));
    await chmod(files.key, 0o644);
    const { warnings } = await watch(pathsOf(files));
    expect(warnings()).toEqual([`${files.key}: every user can read the key`]);
  });

  it('is a chain that is out of order', async () => {
    const stranger = await makeAuthority('stranger');
    const chain = [one.certificate, stranger.certificate, authority.certificate].join('\n');
    const { files } = await tlsFolder({ cert: Buffer.from(chain), key: one.key });
    const { warnings } = await watch(pathsOf(files));
    expect(warnings()).toEqual([`${files.cert}: certificate 2 has not issued the one before it`]);
  });

  it('is a certificate that is over, or not valid yet', async () => {
    const day = 86_400_000;
    const now = Date.now();
    const [late, early] = await Promise.all([
      certify('late', authority, {
        notBefore: new Date(now - 2 * day),
        notAfter: new Date(now - day),
      }),
      certify('early', authority, {
        notBefore: new Date(now + day),
        notAfter: new Date(now + 2 * day),
      }),
    ]);
    const { files, put } = await tlsFolder(pairOf(late));
    const { lines, logger } = keptLog();
    const clock = new FakeClock();
    await openedTls({ files: pathsOf(files), logger, clock });
    const over = { msg: 'the certificate of the server is over' };
    expect(lines.filter((line) => line['msg'] === over.msg)).toHaveLength(1);
    await put(pairOf(early));
    const { warnings } = await watch(pathsOf(files));
    expect(warnings()).toEqual([
      expect.stringMatching(/tls\.crt: the certificate is not valid before /),
    ]);
  });
});

function pathsOf({ cert, key }: TlsFiles): TlsFiles {
  return { cert, key };
}
