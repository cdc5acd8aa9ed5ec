import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SPOOL_KEEP_MS, SPOOL_OWNERLESS_MS } from '../../../src/output/sizes.ts';
import { createRunFolder, sweepRunFolders } from '../../../src/output/spool/run-folder.ts';
import { formatOwner, parseOwner, thisOwner } from '../../../src/output/spool/run-owner.ts';
import { openSpool } from '../../../src/output/spool/spool.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { blockHeader, bytesOf, runFolders, stateFolder, testSpool } from './support.ts';

const ON_LINUX = process.platform === 'linux';
const NOW = Date.now();

/** A run folder with one segment file, and with this text as its owner file, if any. */
async function leftBehind(folder: string, name: string, owner?: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { mode: 0o700 });
  await writeFile(join(path, '0-0.seg'), 'output');
  if (owner !== undefined) await writeFile(join(path, 'owner'), owner);
  return path;
}

/** The pid of a process that ended and was reaped. */
async function deadPid(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid ?? 0;
}

/** What a process is called, and the letter of its state. */
async function statOf(pid: number | undefined): Promise<{ name: string; state: string }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  const [, name = '', state = ''] = /\((.*)\) (.)/.exec(stat) ?? [];
  return { name, state };
}

async function sweep(folder: string, keepMs = 0): Promise<unknown[]> {
  const problems: unknown[] = [];
  const onProblem = (problem: unknown): void => void problems.push(problem);
  await sweepRunFolders(folder, { now: NOW, onProblem, keepMs });
  return problems;
}

async function age(path: string, ms: number): Promise<void> {
  await utimes(path, new Date(NOW - ms), new Date(NOW - ms));
}

describe('a run folder', () => {
  it('tells its owner, and is this user’s alone', async () => {
    const folder = join(await stateFolder(), 'made', 'too');
    const { path, remove } = await createRunFolder(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    const owner = join(path, 'owner');
    expect((await stat(owner)).mode & 0o777).toBe(0o600);
    expect(parseOwner(await readFile(owner, 'utf8'))).toEqual(await thisOwner());
    await remove();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not removed for another that is in its place', async () => {
    const folder = await stateFolder();
    const { path, remove } = await createRunFolder(folder);
    await rename(path, `${path}.moved`);
    await leftBehind(folder, basename(path));
    await remove();
    expect(await readdir(path)).toEqual(['0-0.seg']);
  });

  it('is not swept by a server that cannot see the process of its owner', async () => {
    const folder = await stateFolder();
    const { path, remove } = await createRunFolder(folder);
    const elsewhere = { pid: await deadPid(), startTime: '1', bootId: undefined };
    await writeFile(join(path, 'owner'), formatOwner(elsewhere));
    await sweep(folder);
    expect(await readdir(folder)).toEqual([basename(path)]);
    await remove();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is made again only if it is gone', async () => {
    const folder = await stateFolder();
    const { path, remove, restore } = await createRunFolder(folder);
    await writeFile(join(path, '0-0.seg'), 'output');
    await restore();
    expect(await readdir(path)).toHaveLength(2);
    await remove();
    await Promise.all([restore(), restore()]);
    expect(await readdir(path)).toEqual(['owner']);
  });
});

describe('a state folder', () => {
  it('may be looked into by others, but not be written to', async () => {
    const folder = await stateFolder();
    await chmod(folder, 0o755);
    await testSpool({ stateFolder: folder });
    await chmod(folder, 0o775);
    const opening = openSpool({ stateFolder: folder });
    await expect(opening).rejects.toThrow('can be written to by other users');
  });

  it('is not a link', async () => {
    const folder = await stateFolder();
    await symlink(await stateFolder(), join(folder, 'link'));
    const opening = openSpool({ stateFolder: join(folder, 'link') });
    await expect(opening).rejects.toThrow('is not a folder');
  });

  it.skipIf(process.getuid?.() !== 0)('is not another user’s (root only)', async () => {
    const folder = await stateFolder();
    await chown(folder, 12_345, 12_345);
    await expect(openSpool({ stateFolder: folder })).rejects.toThrow('belongs to another user');
  });

  it('serves two servers at one time', async () => {
    const folder = await stateFolder();
    const spools = await Promise.all(
      Array.from({ length: 5 }, () => testSpool({ stateFolder: folder })),
    );
    expect(await runFolders(folder)).toHaveLength(5);
    for (const { spool } of spools) {
      const log = spool.openLog({ processId: 'p' });
      const place = await log.append(blockHeader(1), [bytesOf(10, 1)]);
      expect((await log.read(place)).equals(bytesOf(10, 1))).toBe(true);
    }
  });
});

describe('sweeping', () => {
  it('removes what a server left whose pid nobody has', async () => {
    const folder = await stateFolder();
    const owner = formatOwner({ pid: await deadPid(), startTime: undefined, bootId: undefined });
    await leftBehind(folder, 'run-1-0123456789abcdef', owner);
    await leftBehind(folder, 'run-1-0123456789abcdee.new', owner);
    expect(await sweep(folder)).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  it.skipIf(!ON_LINUX)('removes what a server left whose pid another process has', async () => {
    const folder = await stateFolder();
    const owner = await thisOwner();
    const earlier = formatOwner({ ...owner, startTime: '1' });
    await leftBehind(folder, 'run-1-0123456789abcdef', earlier);
    const otherBoot = formatOwner({ ...owner, bootId: 'another' });
    await leftBehind(folder, 'run-2-0123456789abcdef', otherBoot);
    await sweep(folder);
    expect(await readdir(folder)).toEqual([]);
  });

  it.skipIf(!ON_LINUX)('removes what a server left that ended and was not reaped', async () => {
    const folder = await stateFolder();
    // A child of a shell that becomes a program which reaps nobody, and only then ends.
    const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
    onTestFinished(() => void parent.kill('SIGKILL'));
    if (parent.stdout === null) throw new Error('the shell has no output');
    const [line] = await once(parent.stdout, 'data');
    const pid = Number(String(line));
    while ((await statOf(parent.pid)).name !== 'sleep');
    parent.stdio[3]?.destroy();
    while ((await statOf(pid)).state !== 'Z');
    const owner = formatOwner({ pid, startTime: undefined, bootId: undefined });
    await leftBehind(folder, 'run-1-0123456789abcdef', owner);
    await sweep(folder);
    expect(await readdir(folder)).toEqual([]);
  });

  it('spares live servers, whatever their age', async () => {
    const folder = await stateFolder();
    const name = 'run-1-0123456789abcdef';
    const path = await leftBehind(folder, name, formatOwner(await thisOwner()));
    await age(path, 100 * SPOOL_OWNERLESS_MS);
    await sweep(folder);
    expect(await readdir(folder)).toEqual([name]);
  });

  it('removes what does not tell its owner once it cannot be one just being made', async () => {
    const folder = await stateFolder();
    const texts = [undefined, '', '{', '{"pid":0}', '{"pid":-1}', '{"pid":"1"}', '7', 'null'];
    for (const [i, text] of texts.entries()) {
      const old = await leftBehind(folder, `run-${i}-0123456789abcdef`, text);
      await age(old, SPOOL_OWNERLESS_MS + 1000);
      const young = await leftBehind(folder, `run-${i}-0123456789abcdef.new`, text);
      await age(young, SPOOL_OWNERLESS_MS - 60_000);
    }
    expect(await sweep(folder)).toEqual([]);
    const left = await readdir(folder);
    expect(left).toHaveLength(texts.length);
    expect(left.every((name) => name.endsWith('.new'))).toBe(true);
  });

  it('touches nothing that is not named like a run folder', async () => {
    const folder = await stateFolder();
    const owner = formatOwner({ pid: await deadPid(), startTime: undefined, bootId: undefined });
    const names = [
      'other',
      'run-1',
      'run-1-0123456789ABCDEF',
      'run-1-0123456789abcdef0',
      'run-1-0123456789abcdef.old',
      'xrun-1-0123456789abcdef',
      'run--1-0123456789abcdef',
    ];
    for (const name of names) await leftBehind(folder, name, owner);
    await writeFile(join(folder, 'run-1-0123456789abcdef'), 'a file');
    await sweep(folder);
    expect((await readdir(folder)).sort()).toEqual([...names, 'run-1-0123456789abcdef'].sort());
  });

  it('follows no link', async () => {
    const [folder, elsewhere] = [await stateFolder(), await stateFolder()];
    const owner = formatOwner({ pid: await deadPid(), startTime: undefined, bootId: undefined });
    const target = await leftBehind(elsewhere, 'run-1-0123456789abcdef', owner);
    await symlink(target, join(folder, 'run-1-0123456789abcdef'));
    const stale = await leftBehind(folder, 'run-2-0123456789abcdef', owner);
    await symlink(target, join(stale, 'link'));
    const linked = await leftBehind(folder, 'run-3-0123456789abcdef');
    await symlink(join(target, 'owner'), join(linked, 'owner'));
    expect(await sweep(folder)).toEqual([]);
    expect((await readdir(target)).sort()).toEqual(['0-0.seg', 'owner']);
    expect((await lstat(join(folder, 'run-1-0123456789abcdef'))).isSymbolicLink()).toBe(true);
    expect((await readdir(folder)).sort()).toEqual([
      'run-1-0123456789abcdef',
      // A link is not an owner file, and the folder is young.
      'run-3-0123456789abcdef',
    ]);
  });

  it('tells of what it cannot do, and goes on', async () => {
    expect(await sweep(join(await stateFolder(), 'missing'))).toHaveLength(1);
  });

  it('is done when a spool is opened', async () => {
    const folder = await stateFolder();
    const owner = formatOwner({ pid: await deadPid(), startTime: undefined, bootId: undefined });
    const stale = await leftBehind(folder, 'run-1-0123456789abcdef', owner);
    await unlink(join(stale, '0-0.seg'));
    await testSpool({ stateFolder: folder });
    const left = await runFolders(folder);
    expect(left).toHaveLength(1);
    expect(left).not.toContain(stale);
  });
});

describe('what servers left that did not end in order', () => {
  const MINUTES = 60_000;

  /** Three of them, the second the latest with output; the third has none. */
  async function crashed(): Promise<{ folder: string; latest: string }> {
    const folder = await stateFolder();
    const owner = formatOwner({ pid: await deadPid(), startTime: undefined, bootId: undefined });
    const [older, latest, empty] = await Promise.all(
      ['1', '2', '3'].map((n) => leftBehind(folder, `run-${n}-0123456789abcdef`, owner)),
    );
    if (older === undefined || latest === undefined || empty === undefined) throw new Error();
    await age(join(older, '0-0.seg'), 3 * MINUTES);
    await age(join(latest, '0-0.seg'), 2 * MINUTES);
    await unlink(join(empty, '0-0.seg'));
    return { folder, latest };
  }

  it('is kept where it is the latest that holds output, and nothing else is', async () => {
    const { folder, latest } = await crashed();
    expect(await sweep(folder, 3 * MINUTES)).toEqual([]);
    expect(await runFolders(folder)).toEqual([latest]);
    expect(await readFile(join(latest, '0-0.seg'), 'utf8')).toBe('output');
  });

  it('goes when that was long ago', async () => {
    const { folder } = await crashed();
    await sweep(folder, MINUTES);
    expect(await runFolders(folder)).toEqual([]);
  });

  it('is read back after the next start, and goes in a day though that server runs', async () => {
    const { folder, latest } = await crashed();
    const clock = new FakeClock(NOW);
    const { spool } = await testSpool({ stateFolder: folder, clock });
    expect(await runFolders(folder)).toContain(latest);
    clock.advance(SPOOL_KEEP_MS);
    while ((await runFolders(folder)).includes(latest)) await turn();
    expect(await runFolders(folder)).toHaveLength(1);
    await spool.close();
    expect(clock.pending).toBe(0);
  });
});
