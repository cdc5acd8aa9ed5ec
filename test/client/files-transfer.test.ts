import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { RemoteSession, TransferProgress } from '../../src/client/index.ts';
import { connectTo, errorOf, QUICK } from '../support/client.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { startProxy } from '../support/tcp-proxy.ts';

const MIB = 1024 * 1024;
const TIME = new Date('2001-02-03T04:05:06.789Z');

/** What a client transfers to and from. */
interface Rig {
  readonly session: RemoteSession;
  /** Of the client. */
  readonly here: string;
  /** Of the server. */
  readonly there: string;
}

async function startRig(): Promise<Rig> {
  const { address } = await startHarness();
  const session = await connectTo(address).session();
  return { session, here: await temporaryFolder(), there: await temporaryFolder() };
}

/** A folder with all that can be transferred. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(join(folder, 'sub', 'empty'), { recursive: true });
  await writeFile(join(folder, 'file'), 'content');
  await chmod(join(folder, 'file'), 0o640);
  await utimes(join(folder, 'file'), TIME, TIME);
  await writeFile(join(folder, 'sub', 'large'), randomBytes(3 * MIB));
  await writeFile(Buffer.concat([Buffer.from(`${folder}/sub/`), Buffer.of(0xff)]), 'odd');
  await link(join(folder, 'file'), join(folder, 'sub', 'hard'));
  await symlink('../file', join(folder, 'sub', 'soft'));
  await symlink('/etc/passwd', join(folder, 'absolute'));
  for (let i = 0; i < 100; i += 1) await writeFile(join(folder, 'sub', `${i}`), `${i}`);
  await chmod(join(folder, 'sub', 'empty'), 0o700);
  await utimes(join(folder, 'sub', 'empty'), TIME, TIME);
}

/** Fails unless two folders hold the same. */
async function expectSame(one: string, other: string): Promise<void> {
  const { stdout } = await promisify(execFile)('diff', ['-r', '--no-dereference', one, other]);
  expect(stdout).toBe('');
  expect(await readlink(join(other, 'absolute'))).toBe('/etc/passwd');
  const { mode, mtimeMs } = await stat(join(other, 'file'));
  expect({ mode: mode & 0o777, mtimeMs }).toEqual({ mode: 0o640, mtimeMs: TIME.getTime() });
  const empty = await stat(join(other, 'sub', 'empty'));
  expect({ mode: empty.mode & 0o777, time: empty.mtimeMs }).toEqual({
    mode: 0o700,
    time: TIME.getTime(),
  });
}

describe('upload and download', () => {
  it('carry a file with its mode and time, and tell how far it is', async () => {
    const { here, session, there } = await startRig();
    const content = randomBytes(5 * MIB);
    await writeFile(join(here, 'from'), content, { mode: 0o750 });
    await utimes(join(here, 'from'), TIME, TIME);
    const told: TransferProgress[] = [];
    const onProgress = (progress: TransferProgress): void => void told.push(progress);
    const up = await session.files.upload(join(here, 'from'), join(there, 'file'), { onProgress });
    expect(up).toEqual({ files: 1, bytes: content.length });
    const last = { bytes: content.length, totalBytes: content.length, files: 1 };
    expect(told.at(-1)).toEqual({ ...last, path: join(here, 'from') });
    expect(told.map(({ bytes }) => bytes)).toEqual(
      told.map(({ bytes }) => bytes).sort((a, b) => a - b),
    );
    told.length = 0;
    await session.files.download(join(there, 'file'), join(here, 'to'), { onProgress });
    expect(told.at(-1)).toEqual({ ...last, path: join(here, 'to') });
    for (const path of [join(there, 'file'), join(here, 'to')]) {
      expect((await readFile(path)).equals(content)).toBe(true);
      const { mode, mtimeMs } = await stat(path);
      expect({ mode: mode & 0o777, mtimeMs }).toEqual({ mode: 0o750, mtimeMs: TIME.getTime() });
    }
    expect((await readdir(here)).sort()).toEqual(['from', 'to']);
  });

  it('carry a folder, with links as links', async () => {
    const { here, session, there } = await startRig();
    const from = join(here, 'from');
    await makeFolder(from);
    const told: TransferProgress[] = [];
    const onProgress = (progress: TransferProgress): void => void told.push(progress);
    const up = await session.files.upload(from, join(there, 'folder'), { onProgress });
    // Twice the file, of which one is a link.
    expect(up.bytes).toBe(7 + 3 * MIB + 3 + 190);
    expect(told.at(-1)).toMatchObject({ bytes: up.bytes, files: up.files });
    await expectSame(from, join(there, 'folder'));
    const down = await session.files.download(join(there, 'folder'), join(here, 'to'));
    expect(down).toEqual(up);
    await expectSame(from, join(here, 'to'));
    expect((await stat(join(here, 'to', 'file'))).nlink).toBe(2);
    expect((await readdir(here)).sort()).toEqual(['from', 'to']);
    // Once more, over what is there.
    await session.files.download(join(there, 'folder'), join(here, 'to'));
    await session.files.upload(from, join(there, 'folder'));
    await expectSame(from, join(here, 'to'));
    await expectSame(from, join(there, 'folder'));
    expect((await readdir(here)).sort()).toEqual(['from', 'to']);
  });

  it('go on where the connection is cut, file by file', async () => {
    const { address } = await startHarness();
    const proxy = await startProxy(address);
    const session = await connectTo(proxy.address, QUICK).session();
    const [here, there] = [await temporaryFolder(), await temporaryFolder()];
    await makeFolder(join(there, 'folder'));
    await writeFile(join(there, 'folder', 'sub', 'larger'), randomBytes(16 * MIB));
    const cut = (async () => {
      for (let i = 0; i < 5; i += 1) await proxy.cutAfter(2 * MIB);
    })();
    await session.files.download(join(there, 'folder'), join(here, 'to'));
    await cut;
    await expectSame(join(there, 'folder'), join(here, 'to'));
    expect(await readdir(here)).toEqual(['to']);
  });

  it('leave nothing behind when they are given up', async () => {
    const { here, session, there } = await startRig();
    await makeFolder(join(there, 'folder'));
    await makeFolder(join(here, 'folder'));
    await writeFile(join(there, 'file'), randomBytes(16 * MIB));
    const reason = new Error('enough');
    const options = () => {
      const over = new AbortController();
      const onProgress = (): void => over.abort(reason);
      return { onProgress, signal: over.signal };
    };
    const { files } = session;
    const attempts = [
      () => files.download(join(there, 'folder'), join(here, 'to'), options()),
      () => files.download(join(there, 'file'), join(here, 'to'), options()),
      () => files.upload(join(here, 'folder'), join(there, 'to'), options()),
      () => files.upload(join(here, 'folder', 'sub', 'large'), join(there, 'to'), options()),
    ];
    for (const attempt of attempts) expect(await errorOf(attempt())).toBe(reason);
    expect(await readdir(here)).toEqual(['folder']);
    await expect.poll(async () => (await readdir(there)).sort()).toEqual(['file', 'folder']);
  });

  it('keep what is there, or replace it, as they are told', async () => {
    const { here, session, there } = await startRig();
    const { files } = session;
    await writeFile(join(there, 'file'), 'there');
    await writeFile(join(here, 'file'), 'here');
    const keep = { replace: false };
    const unfit = { code: 'LOCAL_FILE_UNFIT' };
    const down = () => files.download(join(there, 'file'), join(here, 'file'), keep);
    expect(await errorOf(down())).toMatchObject(unfit);
    const up = () => files.upload(join(here, 'file'), join(there, 'file'), keep);
    expect(await errorOf(up())).toMatchObject({ reason: 'FILE_EXISTS' });
    for (const side of [here, there]) await mkdir(join(side, 'folder'));
    await writeFile(join(here, 'folder', 'kept'), 'kept');
    await writeFile(join(here, 'folder', 'both'), 'here');
    await writeFile(join(there, 'folder', 'both'), 'there');
    await writeFile(join(there, 'folder', 'new'), 'new');
    const merge = (options = {}) =>
      files.download(join(there, 'folder'), join(here, 'folder'), options);
    expect(await errorOf(merge(keep))).toMatchObject(unfit);
    expect((await readdir(join(here, 'folder'))).sort()).toEqual(['both', 'kept']);
    await merge();
    expect((await readdir(join(here, 'folder'))).sort()).toEqual(['both', 'kept', 'new']);
    expect(await readFile(join(here, 'folder', 'both'), 'utf8')).toBe('there');
    // Through a link to a file, and to no folder in the place of a file.
    await symlink('file', join(here, 'link'));
    await files.download(join(there, 'file'), join(here, 'link'));
    expect((await lstat(join(here, 'link'))).isSymbolicLink()).toBe(true);
    expect(await readFile(join(here, 'file'), 'utf8')).toBe('there');
    const onto = files.download(join(there, 'folder'), join(here, 'file'));
    expect(await errorOf(onto)).toMatchObject(unfit);
    const into = files.download(join(there, 'file'), join(here, 'folder'));
    expect(await errorOf(into)).toMatchObject(unfit);
  });

  it('follow no link of the folder that they merge into', async () => {
    const { here, session, there } = await startRig();
    const outside = await temporaryFolder();
    await mkdir(join(there, 'folder', 'sub'), { recursive: true });
    await writeFile(join(there, 'folder', 'sub', 'file'), 'x');
    await mkdir(join(here, 'folder'));
    await symlink(outside, join(here, 'folder', 'sub'));
    const merged = session.files.download(join(there, 'folder'), join(here, 'folder'));
    expect(await errorOf(merged)).toMatchObject({ code: 'LOCAL_FILE_UNFIT' });
    expect(await readdir(outside)).toEqual([]);
    expect(await readdir(join(here, 'folder'))).toEqual(['sub']);
  });

  it('fail for what is no file, and for a file that changes meanwhile', async () => {
    const { here, session, there } = await startRig();
    const { files } = session;
    await promisify(execFile)('mkfifo', [join(here, 'fifo')]);
    const unfit = { code: 'LOCAL_FILE_UNFIT' };
    const fifo = files.upload(join(here, 'fifo'), join(there, 'fifo'));
    expect(await errorOf(fifo)).toMatchObject(unfit);
    expect(await errorOf(files.upload(here, join(there, 'folder')))).toMatchObject(unfit);
    const missing = files.upload(join(here, 'missing'), join(there, 'missing'));
    expect(await errorOf(missing)).toMatchObject({ code: 'ENOENT' });
    const path = join(here, 'large');
    await writeFile(path, randomBytes(16 * MIB));
    let isCut = false;
    const onProgress = (): void => {
      if (isCut) return;
      isCut = true;
      void truncate(path, MIB);
    };
    const changed = files.upload(path, join(there, 'large'), { onProgress });
    expect(await errorOf(changed)).toMatchObject({ code: 'LOCAL_FILE_CHANGED' });
    await expect.poll(() => readdir(there)).toEqual([]);
    const proc = files.upload('/proc/self/status', join(there, 'status'));
    expect((await proc).bytes).toBeGreaterThan(0);
    await files.download('/proc/self/status', join(here, 'status'));
    expect(await readFile(join(here, 'status'), 'utf8')).toContain('Pid:');
  });
});
