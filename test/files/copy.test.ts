import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { startHarness } from '../support/harness.ts';

/** What a folder has, with modes and times of change, as find(1) tells. */
function listing(folder: string): string[] {
  const format = '%P %y %m %s %T@ %l\\n';
  const found = execFileSync('find', [folder, '-mindepth', '1', '-printf', format]).toString();
  // What a folder has for a size is the file system's own affair.
  return found
    .split('\n')
    .map((line) => line.replace(/^(\S+ d \d+) \d+/, '$1'))
    .sort();
}

describe('CopyFile', () => {
  it('copies a file with mode and times, and replaces only when it is asked to', async () => {
    const { files, folder, sessionId } = await startHarness();
    const [path, targetPath] = [join(folder, 'a'), join(folder, 'b')];
    const content = randomBytes(1_000_000);
    await writeFile(path, content, { mode: 0o640 });
    await utimes(path, 1_000_000.25, 1_000_000.75);
    const { file } = await files.copyFile({ sessionId, path, targetPath });
    expect(file).toMatchObject({ path: targetPath, size: 1_000_000n, mode: 0o640 });
    expect((await readFile(targetPath)).equals(content)).toBe(true);
    const [one, other] = await Promise.all(
      [path, targetPath].map((at) => stat(at, { bigint: true })),
    );
    expect(other?.mtimeNs).toBe(one?.mtimeNs);
    await writeFile(path, 'new');
    const refused = await failureOf(files.copyFile({ sessionId, path, targetPath }));
    expect(refused).toMatchObject({
      summary: 'ALREADY_EXISTS/FILE_EXISTS',
      fileFailure: { path: targetPath },
    });
    await files.copyFile({ sessionId, path, targetPath, replace: true });
    expect(await readFile(targetPath, 'utf8')).toBe('new');
    expect((await readdir(folder)).filter((name) => name.startsWith('.runlet-'))).toEqual([]);
  });

  it('copies links as links, also over others', async () => {
    const { files, folder, sessionId } = await startHarness();
    const [path, targetPath] = [join(folder, 'link'), join(folder, 'copy')];
    await symlink('../no where', path);
    const { file } = await files.copyFile({ sessionId, path, targetPath });
    expect(file).toMatchObject({ linkTarget: '../no where' });
    await writeFile(join(folder, 'file'), 'content');
    await files.copyFile({ sessionId, path: join(folder, 'file'), targetPath, replace: true });
    expect((await lstat(targetPath)).isFile()).toBe(true);
    await files.copyFile({ sessionId, path, targetPath, replace: true });
    expect(await readlink(targetPath)).toBe('../no where');
  });

  it('keeps holes', async () => {
    const { files, folder, sessionId } = await startHarness();
    const [path, targetPath] = [join(folder, 'sparse'), join(folder, 'copy')];
    const handle = await open(path, 'w');
    await handle.truncate(1 << 30);
    await handle.write('in the middle', 500_000_000);
    await handle.close();
    await files.copyFile({ sessionId, path, targetPath });
    const copy = await stat(targetPath);
    expect(copy.size).toBe(1 << 30);
    expect(copy.blocks * 512).toBeLessThan(4_000_000);
    const read = await open(targetPath);
    const { buffer } = await read.read(Buffer.alloc(13), 0, 13, 500_000_000);
    await read.close();
    expect(buffer.toString()).toBe('in the middle');
  });

  it('copies a folder with all that is in it', async () => {
    const { files, folder, sessionId } = await startHarness();
    const [path, targetPath] = [join(folder, 'from'), join(folder, 'to')];
    await mkdir(join(path, 'a/b/c'), { recursive: true });
    await mkdir(join(path, 'locked'));
    for (const name of ['one', 'a/two', 'a/b/three', 'locked/four']) {
      await writeFile(join(path, name), name, { mode: 0o604 });
      await utimes(join(path, name), 12_345, 67_890.5);
    }
    await symlink('one', join(path, 'link'));
    await chmod(join(path, 'locked'), 0o500);
    await utimes(join(path, 'a'), 1, 2);
    const notAsked = await failureOf(files.copyFile({ sessionId, path, targetPath }));
    expect(notAsked.summary).toBe('FAILED_PRECONDITION/IS_A_DIRECTORY');
    await files.copyFile({ sessionId, path, targetPath, recursive: true });
    expect(listing(targetPath)).toEqual(listing(path));
    expect((await readdir(folder)).sort()).toEqual(['from', 'runlet.sock', 'to']);
    // So that both can be removed, by whoever runs this.
    for (const each of [path, targetPath]) await chmod(join(each, 'locked'), 0o700);
  });

  it('moves a folder into one that is there, file by file', async () => {
    const { files, folder, sessionId } = await startHarness();
    const [path, targetPath] = [join(folder, 'from'), join(folder, 'to')];
    await mkdir(join(path, 'both'), { recursive: true });
    await mkdir(join(targetPath, 'both'), { recursive: true });
    await writeFile(join(path, 'both/new'), 'new');
    await writeFile(join(path, 'both/same'), 'copied');
    await writeFile(join(targetPath, 'both/same'), 'old');
    await writeFile(join(targetPath, 'both/kept'), 'kept');
    const request = { sessionId, path, targetPath, recursive: true };
    expect((await failureOf(files.copyFile(request))).summary).toBe('ALREADY_EXISTS/FILE_EXISTS');
    await files.copyFile({ ...request, replace: true });
    const contents = ['new', 'same', 'kept'].map((name) =>
      readFile(join(targetPath, 'both', name), 'utf8'),
    );
    expect(await Promise.all(contents)).toEqual(['new', 'copied', 'kept']);
    expect(await readdir(targetPath)).toEqual(['both']);
    // A folder replaces no file, and nothing is done then.
    await mkdir(join(path, 'kept'));
    await writeFile(join(targetPath, 'kept'), 'a file');
    await writeFile(join(path, 'both/same'), 'newer');
    const refused = await failureOf(files.copyFile({ ...request, replace: true }));
    expect(refused).toMatchObject({
      summary: 'ALREADY_EXISTS/FILE_EXISTS',
      fileFailure: { path: join(targetPath, 'kept') },
    });
    expect(await readFile(join(targetPath, 'both/same'), 'utf8')).toBe('copied');
    expect((await readdir(targetPath)).sort()).toEqual(['both', 'kept']);
  });

  it('refuses what is special, and what would never end', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'from');
    await mkdir(join(path, 'below'), { recursive: true });
    await writeFile(join(path, 'file'), 'content');
    const copied = async (from: string, to: string): Promise<string> => {
      const call = files.copyFile({ sessionId, path: from, targetPath: to, recursive: true });
      return (await failureOf(call)).summary;
    };
    for (const to of [path, `${path}/`, `${path}/below/x`, `${path}/below/../x`]) {
      expect([to, await copied(path, to)]).toEqual([
        to,
        to.startsWith(`${path}/b`)
          ? 'INVALID_ARGUMENT/INVALID_REQUEST'
          : 'ALREADY_EXISTS/FILE_EXISTS',
      ]);
    }
    execFileSync('mkfifo', [join(path, 'below/fifo')]);
    const special = 'FAILED_PRECONDITION/NOT_A_REGULAR_FILE';
    expect(await copied(path, join(folder, 'to'))).toBe(special);
    expect(await copied(join(path, 'below/fifo'), join(folder, 'to'))).toBe(special);
    expect(await copied('/dev/null', join(folder, 'to'))).toBe(special);
    expect(await copied(join(path, 'none'), join(folder, 'to'))).toBe('NOT_FOUND/FILE_NOT_FOUND');
    expect(await copied(join(path, 'file'), join(folder, 'none/to'))).toBe(
      'NOT_FOUND/FILE_NOT_FOUND',
    );
    expect((await readdir(folder)).sort()).toEqual(['from', 'runlet.sock']);
  });

  it('is done once for one request_id', async () => {
    const { files, folder, sessionId } = await startHarness();
    const [path, targetPath] = [join(folder, 'a'), join(folder, 'b')];
    await writeFile(path, '1');
    const request = { sessionId, path, targetPath, requestId: randomUUID() };
    const first = await files.copyFile(request);
    await writeFile(path, '2');
    expect(await files.copyFile(request)).toEqual(first);
    expect(await readFile(targetPath, 'utf8')).toBe('1');
    const other = await failureOf(files.copyFile({ ...request, replace: true }));
    expect(other.summary).toBe('ALREADY_EXISTS/REQUEST_MISMATCH');
  });
});
