import { rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type RemoteError } from '../../src/client/index.ts';
import { MAX_BEARER_BYTES } from '../../src/limits.ts';
import { type Bearers, bearers, granting, serveBearers } from '../support/bearers.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { temporaryFolder } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

const env = { PATH };

/** A server that takes some words, and a file with the first of them. */
async function startRig(...words: readonly string[]) {
  const known = bearers(...words);
  const { address, log } = await serveBearers(known);
  const file = join(await temporaryFolder(), 'token');
  await writeFile(file, `${words[0]}\n`);
  const client = (options: ConnectOptions) => connectTo(address, { ...QUICK, ...options });
  return { client, file, known, log };
}

/** A session with a process whose output is read while things happen. */
async function startReading(options: ConnectOptions, client: ReturnType<typeof connectTo>) {
  const session = await client.session();
  const process = await session.start({ argv: ['cat'], env, stdin: 'pipe' });
  process.stdin.write('before ');
  const read = process.stdout.iterator({ destroyOnReturn: false });
  expect(String((await read.next()).value)).toBe('before ');
  return { options, session, process };
}

/** Takes a word back when the server has begun all that is under way, and puts another in its place. */
function replace(known: Bearers, old: string, next: string): void {
  known.add(next);
  known.remove(old);
}

describe('a token', () => {
  it.each([
    ['itself', () => 'good'],
    ['of a function', () => () => 'good'],
    ['of a function that takes its time', () => async () => 'good'],
    ['of a file', (file: string) => ({ file })],
  ] as const)('%s says who calls, in every call', async (_, tokenOf) => {
    const { client, file } = await startRig('good');
    const one = client({ token: tokenOf(file) });
    expect((await one.info()).caller).toEqual({
      name: 'token:tester',
      grants: expect.arrayContaining(['start', 'observe']),
      expireTime: undefined,
      sessionId: undefined,
    });
    const session = await one.session();
    const process = await session.start({ argv: ['cat'], env, stdin: 'pipe' });
    process.stdin.end('in');
    expect(await text(process.stdout)).toBe('in');
    expect(await one.sessions()).toMatchObject([{ id: session.id, owner: 'token:tester' }]);
    await session.close();
  });

  it.each([
    ['none', {}],
    ['a wrong one', { token: 'bad' }],
    ['a wrong one of a function', { token: () => 'bad' }],
  ])('that is %s is refused at once, with the reason', async (_, options) => {
    const { client, known } = await startRig('good');
    const one = client(options);
    const asked = [() => one.info(), () => one.session(), () => one.run(['true'])];
    for (const ask of asked) {
      expect(await errorOf(ask())).toMatchObject({
        name: 'RemoteError',
        reason: 'UNAUTHENTICATED',
        status: 'UNAUTHENTICATED',
      });
    }
    expect(known.refused()).toBe('token' in options ? asked.length : 0);
  });

  it('without a grant fails the call that takes it, and that alone', async () => {
    const { client, known } = await startRig();
    known.add('limited', granting('start', 'observe'));
    const session = await client({ token: 'limited' }).session();
    const process = await session.start({ argv: ['sleep', '1000'], env });
    const error = (await errorOf(process.kill('SIGTERM'))) as RemoteError;
    expect(error).toMatchObject({ reason: 'GRANT_MISSING', metadata: { grant: 'signal' } });
    expect((await process.info()).state).toBe('running');
  });

  it('is nowhere in what can be seen of a client and its errors', async () => {
    const { client, file, known, log } = await startRig('s3cr3t-good');
    known.add('s3cr3t-limited', granting('observe'));
    const seen: unknown[] = [];
    for (const token of ['s3cr3t-bad', 's3cr3t-limited', () => 's3cr3t-bad', { file }]) {
      const one = client({ token });
      seen.push(one, await one.info().catch((error: unknown) => error));
      const opened = await one.session().catch((error: unknown) => error);
      seen.push(opened);
    }
    for (const token of ['s3cr3t and a space', 's3cr3t\nx', `s3cr3t${'x'.repeat(20_000)}`]) {
      seen.push(await errorOf((async () => client({ token }).info())()));
      seen.push(await errorOf(client({ token: () => token }).info()));
      await writeFile(file, token);
      seen.push(await errorOf(client({ token: { file } }).info()));
    }
    const shown = seen.map((each) => inspect(each, { depth: 20, showHidden: true })).join('\n');
    expect(shown).toContain('UNAUTHENTICATED');
    expect(shown).not.toContain('s3cr3t');
    expect(log.join('')).not.toContain('s3cr3t');
  });

  it.each([
    ['', 'empty'],
    ['two words', 'with a space'],
    ['line\nline', 'with a line feed'],
    ['gr\u00fcn', 'that is not ASCII'],
    ['x'.repeat(MAX_BEARER_BYTES + 1), 'too long'],
  ])('is refused before anything is sent: %#', async (token) => {
    const error = await errorOf((async () => connect('127.0.0.1:1', { token }))());
    expect(error).toMatchObject({ name: 'OptionError', option: 'token' });
  });

  it('is no number, no list, and no object but { file }', async () => {
    for (const token of [5, null, ['x'], {}, { file: 5 }, { file: 'x', more: true }]) {
      const error = await errorOf((async () => connect('127.0.0.1:1', { token } as never))());
      expect(error).toMatchObject({ name: 'OptionError', option: 'token' });
    }
  });

  it('is not used beside a header of its own', async () => {
    const { client } = await startRig('good');
    const metadata = { Authorization: 'Bearer other' };
    const error = await errorOf(client({ token: 'good', metadata }).info());
    expect(error).toMatchObject({ name: 'OptionError', option: 'token' });
  });

  it('goes to no other machine in plaintext, unless that is meant', () => {
    const token = 's3cr3t';
    for (const address of ['192.0.2.1:1', 'example.org:1', '[2001:db8::1]:1', '0.0.0.0:1']) {
      expect(() => connect(address, { token })).toThrow(
        expect.objectContaining({ name: 'OptionError', option: 'token' }),
      );
      expect(() => connect(address, { token, allowInsecure: true })).not.toThrow();
      expect(() => connect(address, { token, tls: true })).not.toThrow();
    }
    for (const address of ['127.0.0.1:1', '[::1]:1', 'localhost:1', 'unix:/nonexistent']) {
      expect(() => connect(address, { token })).not.toThrow();
    }
  });
});

describe('a token in a file', () => {
  it('is read again when another is in its place', async () => {
    const { client, file, known } = await startRig('first', 'second');
    const one = client({ token: { file } });
    known.add('second', { name: 'token:second' });
    expect((await one.info()).caller?.name).toBe('token:tester');
    await writeFile(`${file}.new`, 'second');
    await rename(`${file}.new`, file);
    await expect.poll(async () => (await one.info()).caller?.name).toBe('token:second');
  });

  it('is read again when its link leads elsewhere', async () => {
    const { client, file, known } = await startRig('first');
    known.add('second', { name: 'token:second' });
    const link = `${file}.link`;
    await symlink(file, link);
    const one = client({ token: { file: link } });
    expect((await one.info()).caller?.name).toBe('token:tester');
    await writeFile(`${file}.2`, 'second');
    await unlink(link);
    await symlink(`${file}.2`, link);
    await expect.poll(async () => (await one.info()).caller?.name).toBe('token:second');
  });

  it('is the last one while the file is gone, empty or no token', async () => {
    const { client, file, known } = await startRig('first');
    known.add('second', { name: 'token:second' });
    const one = client({ token: { file } });
    await one.info();
    for (const content of ['', 'two words']) {
      await writeFile(file, content);
      expect((await one.info()).caller?.name).toBe('token:tester');
    }
    await rm(file);
    expect((await one.info()).caller?.name).toBe('token:tester');
    await writeFile(file, 'second');
    await expect.poll(async () => (await one.info()).caller?.name).toBe('token:second');
  });

  it('that cannot be read fails the call, and is read by the next', async () => {
    const { client, file } = await startRig('first');
    await rm(file);
    const one = client({ token: { file } });
    const error = await errorOf(one.info());
    expect(error).toMatchObject({ name: 'OptionError', option: 'token.file' });
    expect(error.message).toBe(`token.file ${file}: no such file or directory (ENOENT)`);
    await writeFile(file, 'first');
    expect((await one.info()).caller?.name).toBe('token:tester');
  });
});

describe('a session whose token is over', () => {
  it.each(['a function', 'a file'])('goes on with the one that %s has now', async (what) => {
    const { client, file, known } = await startRig('first');
    let current = 'first';
    const changes: boolean[] = [];
    const options = {
      token: what === 'a file' ? { file } : () => current,
      onConnectionChange: (connected: boolean) => void changes.push(connected),
    };
    const { process, session } = await startReading(options, client(options));
    current = 'second';
    await writeFile(file, current);
    replace(known, 'first', 'second');
    // However soon it is back.
    await expect.poll(() => changes).toEqual([false, true]);
    process.stdin.end('after');
    expect(await text(process.stdout)).toBe('after');
    expect(await process.closed).toMatchObject({ code: 0 });
    expect((await session.processes()).map(({ id }) => id)).toEqual([process.id]);
  });

  it.each(['a text', 'a function', 'a file'])(
    'is lost where %s has no other, after a bounded number of attempts',
    async (what) => {
      const { client, file, known } = await startRig('first');
      const tokens = { 'a text': 'first', 'a function': () => 'first', 'a file': { file } };
      const options = { token: tokens[what as keyof typeof tokens] };
      const { process, session } = await startReading(options, client(options));
      const waiting = [errorOf(process.exited), errorOf(process.closed), session.lost];
      known.remove('first');
      for (const error of await Promise.all(waiting)) {
        expect(error).toMatchObject({
          name: 'SessionLostError',
          reason: 'credentials-refused',
          cause: { name: 'RemoteError', reason: 'UNAUTHENTICATED' },
        });
      }
      // Its stream, its reader and its two waiting calls: once more each at most.
      expect(known.refused()).toBeLessThanOrEqual(what === 'a text' ? 0 : 8);
    },
  );
});
