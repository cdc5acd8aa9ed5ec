import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmod,
  lstat,
  lutimes,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peerAuthenticator } from '../../src/identity/peer.ts';
import { MAIN, resultOf, spawnCli } from '../support/cli.ts';
import { type CliUser, cliUser } from '../support/cli-user.ts';
import { connectTo } from '../support/client.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';
import { ORDINARY_USER } from '../support/ordinary-user.ts';
import { mountSmall } from '../support/small-disk.ts';

const MIB = 2 ** 20;

/** Long ago, so that a copy that is not given it has another. */
const TIME = new Date('2001-02-03T04:05:06Z');

/** Somebody with a server, a folder here, and one that stands for the server's. */
interface Copier extends CliUser {
  readonly here: string;
  readonly there: string;
}

async function copier(): Promise<Copier> {
  const { address } = await serveHere();
  return {
    ...(await cliUser(address)),
    here: await temporaryFolder(),
    there: await temporaryFolder(),
  };
}

async function copy(user: CliUser, ...args: readonly string[]): Promise<void> {
  expect(await user.print('cp', ...args)).toBe('');
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What a file is, as far as a copy keeps it. */
async function kept(path: string | Buffer): Promise<unknown> {
  const { mode, mtimeMs } = await lstat(path);
  return { mode: mode & 0o7777, mtimeMs };
}

/** A folder with all that can be copied: links that lead nowhere, too, and names of odd bytes. */
async function makeTree(path: string): Promise<void> {
  await mkdir(join(path, 'sub', 'empty'), { recursive: true });
  await writeFile(join(path, 'file'), 'content\n');
  await chmod(join(path, 'file'), 0o640);
  await writeFile(join(path, 'sub', 'tool'), '#!/bin/sh\n');
  await chmod(join(path, 'sub', 'tool'), 0o755);
  await writeFile(join(path, '.hidden'), '');
  await symlink('sub/tool', join(path, 'link'));
  await symlink('/nonexistent/x', join(path, 'sub', 'dangling'));
  await symlink('..', join(path, 'sub', 'cycle'));
  await writeFile(Buffer.concat([Buffer.from(`${path}/`), ODD]), 'odd');
  for (const name of ['link', 'sub/dangling', 'sub/cycle'])
    await lutimes(join(path, name), TIME, TIME);
  for (const name of ['file', '.hidden', 'sub/tool']) await utimes(join(path, name), TIME, TIME);
  await utimes(Buffer.concat([Buffer.from(`${path}/`), ODD]), TIME, TIME);
  for (const name of ['sub/empty', 'sub', '.']) await utimes(join(path, name), TIME, TIME);
}

/** A name with a line feed, an escape, and bytes that are no UTF-8. */
const ODD = Buffer.from([0x61, 0x0a, 0x1b, 0xff, 0xfe, 0x20, 0x27]);

/** All that is in a folder, with what a copy keeps. */
async function treeOf(path: string): Promise<unknown> {
  const entries = await readdir(path, { encoding: 'buffer', withFileTypes: true });
  const found = entries.map(async (entry) => {
    const { name } = entry;
    const whole = Buffer.concat([Buffer.from(`${path}/`), name]);
    const { mode, mtimeMs } = await lstat(whole);
    const about = { mode: mode & 0o7777, mtimeMs };
    if (entry.isSymbolicLink())
      return [name.toString('latin1'), { leadsTo: await readlink(whole) }];
    if (entry.isDirectory()) {
      return [name.toString('latin1'), { ...about, inside: await treeOf(whole.toString()) }];
    }
    return [name.toString('latin1'), { ...about, content: await readFile(whole, 'latin1') }];
  });
  return Object.fromEntries((await Promise.all(found)) as [string, unknown][]);
}

describe('runlet cp of a file', () => {
  it('keeps content, mode and time, there and back', async () => {
    const user = await copier();
    const [file, sent, back] = [join(user.here, 'a'), join(user.there, 'b'), join(user.here, 'c')];
    await writeFile(file, 'content\n');
    await chmod(file, 0o751);
    await utimes(file, TIME, TIME);
    await copy(user, file, `:${sent}`);
    expect([await readFile(sent, 'utf8'), await kept(sent)]).toEqual([
      'content\n',
      await kept(file),
    ]);
    await copy(user, `:${sent}`, back);
    expect([await readFile(back, 'utf8'), await kept(back)]).toEqual([
      'content\n',
      await kept(file),
    ]);
  });

  it('puts it into a folder that is there, or over what has its name', async () => {
    const user = await copier();
    const file = join(user.here, 'file');
    await writeFile(file, 'new');
    await writeFile(join(user.there, 'file'), 'that is old');
    await mkdir(join(user.here, 'into'));
    await copy(user, file, `:${user.there}`);
    await copy(user, `:${user.there}/file`, join(user.here, 'into'));
    expect(await readdir(user.there)).toEqual(['file']);
    for (const path of [join(user.there, 'file'), join(user.here, 'into', 'file')]) {
      expect(await readFile(path, 'utf8')).toBe('new');
    }
  });

  it('brings 64 MiB there and back', async () => {
    const user = await copier();
    const bytes = randomBytes(64 * MIB);
    await writeFile(join(user.here, 'large'), bytes);
    await copy(user, join(user.here, 'large'), `:${user.there}/large`);
    await copy(user, `:${user.there}/large`, join(user.here, 'back'));
    const [sent, back] = await Promise.all([
      readFile(join(user.there, 'large')),
      readFile(join(user.here, 'back')),
    ]);
    expect([sha256(sent), sha256(back)]).toEqual([sha256(bytes), sha256(bytes)]);
  });

  it('copies it on the server', async () => {
    const user = await copier();
    await writeFile(join(user.there, 'a'), 'content');
    await utimes(join(user.there, 'a'), TIME, TIME);
    await copy(user, `:${user.there}/a`, `:${user.there}/b`);
    expect(await readFile(join(user.there, 'b'), 'utf8')).toBe('content');
    expect(await kept(join(user.there, 'b'))).toEqual(await kept(join(user.there, 'a')));
  });

  it('takes standard input and output for -', async () => {
    const user = await copier();
    const bytes = randomBytes(3 * MIB + 1);
    const sent = await user.run(['cp', '-', `:${user.there}/file`], bytes);
    expect([sent.code, sent.stderr]).toEqual([0, '']);
    const { code, stderr, stdout } = await user.run(['cp', `:${user.there}/file`, '-']);
    expect([code, stderr, sha256(stdout)]).toEqual([0, '', sha256(bytes)]);
    expect(sha256(await readFile(join(user.there, 'file')))).toBe(sha256(bytes));
  });

  it('makes the folders on the way with --parents alone', async () => {
    const user = await copier();
    await writeFile(join(user.here, 'a'), 'content');
    const target = join(user.there, 'x', 'y', 'a');
    expect(await user.run(['cp', join(user.here, 'a'), `:${target}`])).toMatchObject({ code: 1 });
    expect(await readdir(user.there)).toEqual([]);
    await copy(user, '--parents', join(user.here, 'a'), `:${target}`);
    await copy(user, '--parents', `:${target}`, join(user.here, 'x', 'y', 'a'));
    expect(await readFile(join(user.here, 'x', 'y', 'a'), 'utf8')).toBe('content');
  });

  it('follows a link that is named, and copies it as one with -r', async () => {
    const user = await copier();
    await writeFile(join(user.here, 'file'), 'content');
    await symlink('file', join(user.here, 'link'));
    await lutimes(join(user.here, 'link'), TIME, TIME);
    await copy(user, join(user.here, 'link'), `:${user.there}/followed`);
    expect((await lstat(join(user.there, 'followed'))).isFile()).toBe(true);
    await copy(user, '-r', join(user.here, 'link'), `:${user.there}/link`);
    await copy(user, '-r', `:${user.there}/link`, `:${user.there}/twin`);
    await copy(user, '-r', `:${user.there}/twin`, join(user.here, 'back'));
    for (const path of [
      join(user.there, 'link'),
      join(user.there, 'twin'),
      join(user.here, 'back'),
    ]) {
      expect([await readlink(path), (await lstat(path)).mtimeMs]).toEqual(['file', TIME.getTime()]);
    }
    expect([await readdir(user.here), await readdir(user.there)]).toEqual([
      ['back', 'file', 'link'],
      ['followed', 'link', 'twin'],
    ]);
  });

  it('goes by names that have a colon, or are relative', async () => {
    const user = await copier();
    await writeFile(join(user.here, 'a:b'), 'content');
    const script =
      'runlet() { "$NODE" "$MAIN" "$@"; }; cd "$HERE"; runlet cp ./a:b :c && runlet cp :c d && cat c d';
    const env = { ...user.env, NODE: process.execPath, MAIN, HERE: user.here };
    expect(await resultOf(spawn('sh', ['-c', script], { env }))).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect((await readdir(user.here)).toSorted()).toEqual(['a:b', 'c', 'd']);
  });
});

describe('runlet cp of a folder', () => {
  it('keeps modes, times, links and odd names, there, there beside, and back', async () => {
    const user = await copier();
    await makeTree(join(user.here, 'tree'));
    const expected = await treeOf(join(user.here, 'tree'));
    await copy(user, '-r', join(user.here, 'tree'), `:${user.there}/sent`);
    expect(await treeOf(join(user.there, 'sent'))).toEqual(expected);
    await copy(user, '-r', `:${user.there}/sent`, `:${user.there}/twin`);
    expect(await treeOf(join(user.there, 'twin'))).toEqual(expected);
    await copy(user, '-r', `:${user.there}/twin`, join(user.here, 'back'));
    expect(await treeOf(join(user.here, 'back'))).toEqual(expected);
    expect(await kept(join(user.here, 'back'))).toEqual(await kept(join(user.here, 'tree')));
  });

  it('puts it into a folder that is there, and merges it with what has its name', async () => {
    const user = await copier();
    await mkdir(join(user.here, 'tree'));
    await writeFile(join(user.here, 'tree', 'new'), 'new');
    await mkdir(join(user.there, 'tree'));
    await writeFile(join(user.there, 'tree', 'old'), 'old');
    await writeFile(join(user.there, 'tree', 'new'), 'older');
    await copy(user, '-r', join(user.here, 'tree'), `:${user.there}`);
    expect((await readdir(join(user.there, 'tree'))).toSorted()).toEqual(['new', 'old']);
    await writeFile(join(user.here, 'tree', 'mine'), 'mine');
    await copy(user, '-r', `:${user.there}/tree`, user.here);
    expect((await readdir(join(user.here, 'tree'))).toSorted()).toEqual(['mine', 'new', 'old']);
    expect(await readFile(join(user.there, 'tree', 'new'), 'utf8')).toBe('new');
  });

  it('is refused without -r', async () => {
    const user = await copier();
    const down = await user.run(['cp', `:${user.there}`, join(user.here, 'x')]);
    const up = await user.run(['cp', user.here, `:${user.there}/x`]);
    const within = await user.run(['cp', `:${user.there}`, `:${user.there}/x`]);
    expect([down, up, within].map(({ code, stderr }) => [code, stderr])).toEqual([
      [1, `runlet: cannot copy '${user.there}': it is a folder, which takes -r\n`],
      [1, `runlet: cannot copy '${user.here}': it is a folder, which takes -r\n`],
      [1, `runlet: cannot copy '${user.there}': it is a folder, which takes -r\n`],
    ]);
    expect([await readdir(user.here), await readdir(user.there)]).toEqual([[], []]);
  });
});

describe('a copy that fails', () => {
  it('says which file is not there, and leaves nothing', async () => {
    const user = await copier();
    const [none, far] = [join(user.here, 'none'), join(user.there, 'none')];
    const down = await user.run(['cp', `:${far}`, join(user.here, 'x')]);
    const up = await user.run(['cp', none, `:${user.there}/x`]);
    const within = await user.run(['cp', `:${far}`, `:${user.there}/x`]);
    expect([down, up, within].map(({ code, stderr }) => [code, stderr])).toEqual([
      [1, `runlet: cannot copy '${far}': no such file or directory (FILE_NOT_FOUND)\n`],
      [1, `runlet: cannot copy '${none}': no such file or directory (ENOENT)\n`],
      [1, `runlet: cannot copy '${far}': no such file or directory (FILE_NOT_FOUND)\n`],
    ]);
    expect([await readdir(user.here), await readdir(user.there)]).toEqual([[], []]);
  });

  it('leaves what was there where the disk of the server is full', async ({ skip }) => {
    const user = await copier();
    const why = await mountSmall(user.there, '1m');
    if (why !== undefined) skip(why);
    await writeFile(join(user.there, 'file'), 'before');
    await writeFile(join(user.here, 'large'), randomBytes(2 * MIB));
    await mkdir(join(user.here, 'tree'));
    await writeFile(join(user.here, 'tree', 'large'), randomBytes(2 * MIB));
    const file = await user.run(['cp', join(user.here, 'large'), `:${user.there}/file`]);
    const tree = await user.run(['cp', '-r', join(user.here, 'tree'), `:${user.there}/tree`]);
    const stream = await user.run(['cp', '-', `:${user.there}/stream`], randomBytes(2 * MIB));
    for (const { code, stderr } of [file, tree, stream]) {
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/^runlet: cannot .*: no space left on device \(NO_SPACE\)\n$/),
      ]);
    }
    expect(await readdir(user.there)).toEqual(['file']);
    expect(await readFile(join(user.there, 'file'), 'utf8')).toBe('before');
  });

  it('leaves what was there where the disk here is full', async ({ skip }) => {
    const user = await copier();
    const why = await mountSmall(user.here, '1m');
    if (why !== undefined) skip(why);
    await writeFile(join(user.here, 'file'), 'before');
    await mkdir(join(user.there, 'tree'));
    await writeFile(join(user.there, 'tree', 'large'), randomBytes(2 * MIB));
    const file = await user.run(['cp', `:${user.there}/tree/large`, join(user.here, 'file')]);
    const tree = await user.run(['cp', '-r', `:${user.there}/tree`, join(user.here, 'tree')]);
    for (const { code, stderr } of [file, tree]) {
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/^runlet: cannot copy .*no space left on device \(ENOSPC\)\n$/),
      ]);
    }
    expect(await readdir(user.here)).toEqual(['file']);
    expect(await readFile(join(user.here, 'file'), 'utf8')).toBe('before');
  });

  it.skipIf(ORDINARY_USER === undefined)('says who may not', async () => {
    const uid = ORDINARY_USER ?? 0;
    const served = await serveHere({ auth: [peerAuthenticator({ uids: [0, uid] })] });
    await chmod(served.folder, 0o755);
    await chmod(join(served.folder, 'runlet.sock'), 0o666);
    const user = await cliUser(served.address);
    const [here, there] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(here, 'secret'), 'secret');
    await chmod(join(here, 'secret'), 0o600);
    await writeFile(join(there, 'file'), 'content');
    await chmod(here, 0o755);
    const asUser = (...args: readonly string[]) =>
      resultOf(spawnCli(['cp', ...args], { env: user.env, uid, gid: uid, cwd: '/' }));
    const up = await asUser(join(here, 'secret'), `:${there}/x`);
    const down = await asUser(`:${there}/file`, join(here, 'x'));
    // Where even root makes no files.
    const far = await user.run(['cp', join(here, 'secret'), ':/sys/x']);
    expect([up, down, far].map(({ code, stderr }) => [code, stderr])).toEqual([
      [1, `runlet: cannot copy '${here}/secret': permission denied (EACCES)\n`],
      [1, expect.stringMatching(/^runlet: cannot copy .*: permission denied \(EACCES\)\n$/)],
      [1, expect.stringMatching(/^runlet: cannot copy .*: .* \(FILE_ACCESS_DENIED\)\n$/)],
    ]);
    expect([await readdir(here), await readdir(there)]).toEqual([['secret'], ['file']]);
  });
});

/** Resolves when there is something in a folder. */
async function somethingIn(folder: string): Promise<void> {
  await expect.poll(() => readdir(folder)).not.toEqual([]);
}

/** Files of a folder that the server, which is this process, has open; they need have no name. */
async function openBelow(folder: string): Promise<readonly string[]> {
  const descriptors = await readdir('/proc/self/fd');
  const targets = descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(targets)).filter((target) => target.startsWith(`${folder}/`));
}

/** Resolves when the server writes to a folder. */
async function writtenTo(folder: string): Promise<void> {
  await expect.poll(() => openBelow(folder), { interval: 5 }).not.toEqual([]);
}

/** Expects that nothing is left of what was written to a folder. */
async function expectNothingIn(folder: string): Promise<void> {
  await expect.poll(() => openBelow(folder)).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
}

describe('a copy that is interrupted', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s leaves nothing, and dies of it',
    async (signal) => {
      const user = await copier();
      // Longer than it takes to look, and no byte of it is on a disk.
      await writeFile(join(user.there, 'huge'), '');
      await truncate(join(user.there, 'huge'), 2 ** 40);
      const down = user.spawn(['cp', `:${user.there}/huge`, `${user.here}/copy`]);
      const downEnded = once(down, 'close');
      await somethingIn(user.here);
      down.kill(signal);
      expect(await downEnded).toEqual([null, signal]);
      expect(await readdir(user.here)).toEqual([]);

      const empty = await temporaryFolder();
      const up = user.spawn(['cp', `${user.there}/huge`, `:${empty}/copy`]);
      const upEnded = once(up, 'close');
      await writtenTo(empty);
      up.kill(signal);
      expect(await upEnded).toEqual([null, signal]);
      expect(await readdir(empty)).toEqual([]);
    },
  );

  it('leaves nothing of a stream that was not at its end', async () => {
    const user = await copier();
    const child = user.spawn(['cp', '-', `:${user.there}/copy`]);
    const ended = once(child, 'close');
    child.stdin?.write(randomBytes(MIB));
    await writtenTo(user.there);
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
    await expectNothingIn(user.there);
  });
});

describe('the session of a copy', () => {
  it('has a name that is UTF-8, whatever its files have', async () => {
    const user = await copier();
    const script = 'exec "$NODE" "$MAIN" cp "$(printf "\\377"):/x" "$(printf "\\377")"';
    const env = { ...user.env, NODE: process.execPath, MAIN };
    expect(await resultOf(spawn('sh', ['-c', script], { env }))).toMatchObject({
      code: 2,
      stderr: 'runlet: a session is not UTF-8: \ufffd; see `runlet cp --help`\n',
    });
  });

  it('is that of the last process, or one that is closed after it', async () => {
    const { address } = await serveHere();
    const user = await cliUser(address);
    const client = connectTo(address);
    const target = join(await temporaryFolder(), 'copy');
    await copy(user, '/etc/passwd', `:${target}`);
    expect(await client.sessions()).toEqual([]);
    const { session } = await user.start('--id', 'job', 'sleep', '1000');
    await copy(user, '/etc/passwd', `job:${target}`);
    await copy(user, '/etc/passwd', `${session.slice(0, 8)}:${target}`);
    await copy(user, '/etc/passwd', `:${target}`);
    expect((await client.sessions()).map(({ id }) => id)).toEqual([session]);
    await user.print('sessions', 'close');
    await copy(user, '/etc/passwd', `:${target}`);
    expect(await client.sessions()).toEqual([]);
  });
});
