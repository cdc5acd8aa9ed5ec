import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { type Bearers, bearers, granting, serveBearersTls } from '../support/bearers.ts';
import { certify, type Identity, makeAuthority } from '../support/certificates.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { cliUser, jsonLines } from '../support/cli-user.ts';
import { temporaryFolder } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

let authority: Identity;
let server: Identity;

beforeAll(async () => {
  authority = await makeAuthority('authority');
  server = await certify('server', authority);
});

/** Somebody with a token and an authority in files, whose server is reached by TLS. */
async function startUser(...words: readonly string[]) {
  const known = bearers(...words);
  const { address, log } = await serveBearersTls(known, server);
  const user = await cliUser(address);
  const token = join(user.folder, 'token');
  const ca = join(user.folder, 'ca.pem');
  await writeFile(token, `${words[0]}\n`);
  await writeFile(ca, authority.certificate);
  Object.assign(user.env, { RUNLET_TOKEN_FILE: token, RUNLET_CA: ca });
  const replace = async (word: string): Promise<void> => {
    await writeFile(`${token}.new`, word);
    await rename(`${token}.new`, token);
  };
  return { ...user, address, known, log, replace };
}

/** Reads what a command writes until something was in it. */
function reader(child: ChildProcess): { until(text: string): Promise<void>; all(): string } {
  let all = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    all += text;
  });
  return {
    all: () => all,
    until: (text) => expect.poll(() => all).toContain(text),
  };
}

/** Lets another word in, which the file has, and then the first no more. */
async function rotate(known: Bearers, replace: (word: string) => Promise<void>): Promise<void> {
  known.add('second');
  await replace('second');
  known.remove('first');
}

describe('commands over TLS with a token', () => {
  it('start, read, write to and end processes', async () => {
    const user = await startUser('first');
    const { session } = await user.start('-i', '--id', 'cat', '--', 'cat');
    const attached = await user.run(['attach', 'cat'], 'typed\n');
    expect(attached.stdout.toString()).toBe('typed\n');
    expect(await user.print('logs', 'cat')).toBe('typed\n');
    expect(await user.print('wait', 'cat')).toBe('0\n');
    expect(await user.print('run', '--', 'echo', 'hello')).toBe('hello\n');
    expect(await user.print('exec', session.slice(0, 8), '--', 'echo', 'there')).toBe('there\n');
    expect(await user.print('sessions', 'close', '--all')).toBe('');
    expect(user.log.join('')).not.toContain('first');
  });

  it('go on with the token that the file has when the first one is over', async () => {
    const user = await startUser('first');
    await user.start('-i', '--id', 'cat', '--', 'cat');
    const attached = user.spawn(['attach', 'cat']);
    const followed = user.spawn(['logs', '-f', 'cat']);
    const [seen, read] = [reader(attached), reader(followed)];
    const ends = Promise.all([once(attached, 'close'), once(followed, 'close')]);
    attached.stdin?.write('before\n');
    await Promise.all([seen.until('before\n'), read.until('before\n')]);
    await rotate(user.known, user.replace);
    attached.stdin?.end('after\n');
    expect(await ends).toEqual([
      [0, null],
      [0, null],
    ]);
    expect([seen.all(), read.all()]).toEqual(['before\nafter\n', 'before\nafter\n']);
  });

  it('end where there is no other, and say so', async () => {
    const user = await startUser('first');
    const { session } = await user.start('-i', '--id', 'cat', '--', 'cat');
    const attached = user.spawn(['attach', 'cat']);
    let said = '';
    attached.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const seen = reader(attached);
    const end = once(attached, 'close');
    attached.stdin?.write('before\n');
    await seen.until('before\n');
    user.known.remove('first');
    expect(await end).toEqual([125, null]);
    expect(said).toContain(
      `runlet: session ${session}: the server refused the credentials (credentials-refused)\n`,
    );
  });

  it('tell who calls', async () => {
    const user = await startUser('first');
    user.known.add('narrow', {
      name: 'token:narrow',
      expiry: Date.UTC(2100, 0, 1),
      sessionId: '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52',
      ...granting('observe', 'files'),
    });
    await user.replace('narrow');
    const text = await user.print('info');
    expect(text).toMatch(/\ncaller +token:narrow\n/);
    expect(text).toMatch(/\ngrants +observe, files:read, files\n/);
    expect(text).toMatch(/\ncredentials +until 2100-01-01T00:00:00\.000Z\n/);
    expect(text).toMatch(/\nonly session +5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52\n/);
    const [line] = jsonLines(await user.print('info', '--json'));
    expect(line?.['caller']).toEqual({
      name: 'token:narrow',
      grants: ['observe', 'files:read', 'files'],
      expireTime: '2100-01-01T00:00:00.000Z',
      sessionId: '5f0c0d2e-6f0f-4c39-8a3f-0d9a3c1f7b52',
    });
  });

  it('tell whose sessions are to who sees those of several', async () => {
    const user = await startUser('first');
    user.known.add('other', { name: 'token:other' });
    user.known.add('admin', { name: 'token:admin', ...granting('observe', 'admin') });
    await user.start('--', 'sleep', '1000');
    expect(await user.print('sessions')).toMatch(/^SESSION +ATTACHED /);
    await user.replace('other');
    await user.start('--', 'sleep', '1000');
    expect(await user.print('sessions')).toMatch(/^SESSION +ATTACHED .*\n.*\n$/);
    await user.replace('admin');
    expect(await user.print('sessions')).toMatch(
      /^SESSION +OWNER +ATTACHED .*\n\S+ +token:tester +no .*\n\S+ +token:other +no .*\n$/,
    );
    const lines = jsonLines(await user.print('sessions', '--json'));
    expect(lines.map((line) => line['owner'])).toEqual(['token:tester', 'token:other']);
  });

  it('check whether the server does what the contract says', async () => {
    const user = await startUser('first');
    const args = ['conformance', '--timeout', '100', '--only', 'INFO-01', 'STDIN-04', 'LIST-02'];
    const { code, stderr, stdout } = await user.run(args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.toString()).toMatch(/# 3 passed, 0 failed, 0 skipped\n$/);
  });

  it('complete words', async () => {
    const user = await startUser('first');
    await user.start('--id', 'build', '--', 'sleep', '1000');
    expect(await user.print('complete', '--within', '60s', 'running')).toBe('build\tsleep 1000\n');
  });

  it('take a token of a pipe', async () => {
    const { address } = await startUser('first');
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'ca.pem'), authority.certificate);
    const script = `printf first | "$NODE" "$MAIN" info --token-file /dev/stdin --ca ca.pem`;
    const child = spawn('sh', ['-c', script], {
      cwd: folder,
      env: {
        ...process.env,
        NODE: process.execPath,
        MAIN: join(import.meta.dirname, '../../bundle/main.js'),
        RUNLET_ADDRESS: formatAddress(address),
      },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const read = reader(child);
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(read.all()).toMatch(/\ncaller +token:tester\n/);
  });
});

describe('a command with a server of its own', () => {
  it('asks nobody who calls, whatever the variables say', async () => {
    const env = {
      PATH,
      RUNLET_TOKEN_FILE: '/nonexistent/token',
      RUNLET_TLS: '1',
      RUNLET_CA: '/nonexistent/ca.pem',
    };
    const result = await runCli(['run', '--', 'echo', 'hello'], '', { env });
    expect(result).toMatchObject({ code: 0, stderr: '', stdout: Buffer.from('hello\n') });
  });
});

/** What a process prints of its variables, as it and the system know them. */
const SHOW = 'env; tr "\\0" "\\n" </proc/self/environ';

describe('RUNLET_TOKEN', () => {
  const secret = { RUNLET_TOKEN: 's3cr3t', RUNLET_TOKEN_FILE: 's3cr3t', RUNLET_KEY: 's3cr3t' };

  it.each([
    ['by default', []],
    ['with all variables', ['--env-policy', 'all', '--ignore-default-excludes']],
    ['with the core ones', ['--env-policy', 'core', '--ignore-default-excludes']],
    ['where it is asked for by a pattern', ['--env-include-only', 'RUNLET_*']],
  ])('goes to no process of a server of its own, %s', async (_, flags) => {
    const env = { ...process.env, ...secret, MINE: 'yes' };
    const { code, stdout } = await runCli(['run', ...flags, '--', 'sh', '-c', SHOW], '', { env });
    expect(code).toBe(0);
    expect(stdout.toString()).not.toContain('s3cr3t');
  });

  it.each(['run', 'start'])('goes to no process of another server by %s', async (command) => {
    const user = await startUser('s3cr3t');
    const env = { ...user.env, ...secret, RUNLET_TOKEN_FILE: '', RUNLET_KEY: '' };
    const flags = ['--env-policy', 'all', '--ignore-default-excludes'];
    const args = ['--id', 'show', ...flags, '--', '/bin/sh', '-c', SHOW];
    const started = await runCli([command, ...args], '', { env });
    expect([started.code, started.stderr]).toEqual([0, '']);
    const shown = command === 'run' ? started.stdout.toString() : await user.print('logs', 'show');
    expect(shown).not.toContain('s3cr3t');
  });

  it('goes to a process where it is named, as any other does', async () => {
    const env = { ...process.env, ...secret };
    const args = ['run', '--env', 'RUNLET_TOKEN', '--', 'printenv', 'RUNLET_TOKEN'];
    expect((await runCli(args, '', { env })).stdout.toString()).toBe('s3cr3t\n');
  });

  it('goes to no process of a server that was started with it, nor to its log', async () => {
    const folder = await temporaryFolder();
    const address = `unix:${join(folder, 'socket')}`;
    const flags = ['--listen', address, '--state-dir', join(folder, 'state')];
    const env = { ...process.env, ...secret };
    const child = spawnCli(['serve', ...flags, '--grace', '0', '--log-level', 'debug'], { env });
    onTestFinished(() => void child.kill('SIGKILL'));
    let logged = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      logged += text;
    });
    await reader(child).until('listening on');
    const args = ['run', '--address', address, '--env-policy', 'all', '--ignore-default-excludes'];
    for (const more of [[], ['--env-include-only', 'RUNLET_*']]) {
      const { code, stdout } = await runCli([...args, ...more, '--', '/bin/sh', '-c', SHOW]);
      expect(code).toBe(0);
      expect(stdout.toString()).not.toContain('s3cr3t');
    }
    child.kill('SIGTERM');
    await once(child, 'close');
    expect(logged).not.toContain('s3cr3t');
  });
});
