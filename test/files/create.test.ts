import { chmod, lstat, mkdir, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileKind } from '../../src/gen/runlet/v1/file_pb.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

const umask = process.umask();

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o7777;
}

describe('CreateDirectory', () => {
  it('makes a folder, and says what it is', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'new');
    const { file } = await files.createDirectory({ sessionId, path });
    expect(file).toMatchObject({ path, kind: FileKind.DIRECTORY, mode: 0o777 & ~umask });
    expect(await modeOf(path)).toBe(0o777 & ~umask);
  });

  it('gives it the mode that is asked for, whatever the umask', async () => {
    const { files, folder, sessionId } = await startHarness();
    for (const mode of [0, 0o700, 0o777, 0o1777, 0o2770]) {
      const path = join(folder, mode.toString(8));
      const { file } = await files.createDirectory({ sessionId, path, mode });
      expect([file?.mode, await modeOf(path)]).toEqual([mode, mode]);
    }
    const call = files.createDirectory({ sessionId, path: join(folder, 'x'), mode: 0o10000 });
    const { badRequest, summary } = await failureOf(call);
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    expect(badRequest?.fieldViolations).toMatchObject([{ field: 'mode' }]);
  });

  it('makes those on the way alone when it is asked to', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'a/b/c');
    const failure = await failureOf(files.createDirectory({ sessionId, path }));
    expect(failure.summary).toBe('NOT_FOUND/FILE_NOT_FOUND');
    await files.createDirectory({ sessionId, path, parents: true, mode: 0o700 });
    expect(await modeOf(path)).toBe(0o700);
    expect(await modeOf(join(folder, 'a/b'))).toBe(0o777 & ~umask);
    // Again: it is there, as it is.
    const again = { sessionId, path: `${path}/`, parents: true, mode: 0o755 };
    expect((await files.createDirectory(again)).file).toMatchObject({ mode: 0o700 });
    const through = { sessionId, path: `${folder}/d/../e/./f//g/`, parents: true };
    await files.createDirectory(through);
    expect((await stat(join(folder, 'e/f/g'))).isDirectory()).toBe(true);
  });

  it('says what is there, which is no error with parents where it is a folder', async () => {
    const { files, folder, sessionId } = await startHarness();
    await mkdir(join(folder, 'there'));
    await symlink('there', join(folder, 'link'));
    await symlink('nowhere', join(folder, 'dangling'));
    await writeFile(join(folder, 'file'), '');
    const create = async (name: string, parents: boolean): Promise<string> => {
      const path = name.startsWith('/') ? name : join(folder, name);
      const call = files.createDirectory({ sessionId, path, parents });
      return call.then(
        () => 'OK',
        async () => (await failureOf(call)).summary,
      );
    };
    const exists = 'ALREADY_EXISTS/FILE_EXISTS';
    for (const name of ['there', 'link', '/', '/..', 'there/.']) {
      expect([name, await create(name, false), await create(name, true)]).toEqual([
        name,
        exists,
        'OK',
      ]);
    }
    for (const name of ['file', 'dangling']) {
      expect([name, await create(name, true)]).toEqual([name, exists]);
    }
    expect(await create('file/x', true)).toBe('FAILED_PRECONDITION/NOT_A_DIRECTORY');
  });

  it('makes a thousand levels with one call', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = `${folder}${'/d'.repeat(1000)}`;
    await files.createDirectory({ sessionId, path, parents: true });
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it('can be called by many at once for the same', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'a/b/c/d');
    const calls = Array.from({ length: 50 }, () =>
      files.createDirectory({ sessionId, path, parents: true }),
    );
    for (const { file } of await Promise.all(calls)) expect(file).toMatchObject({ path });
  });

  it('keeps to the roots', async () => {
    const folder = await temporaryFolder();
    const outside = await temporaryFolder();
    await symlink(outside, join(folder, 'link'));
    const { files, sessionId } = await startHarness({ fileRoots: [folder] });
    const paths = [`${folder}/link/new/deep`, `${folder}/../new`, join(outside, 'a/b')];
    for (const path of paths) {
      for (const parents of [false, true]) {
        const { summary } = await failureOf(files.createDirectory({ sessionId, path, parents }));
        expect([path, summary]).toEqual([path, 'PERMISSION_DENIED/OUTSIDE_ROOT']);
      }
    }
    const { file } = await files.createDirectory({ sessionId, path: folder, parents: true });
    expect(file).toMatchObject({ kind: FileKind.DIRECTORY });
  });

  it.skipIf(process.geteuid?.() === 0)('says what the system does not allow', async () => {
    const { files, folder, sessionId } = await startHarness();
    await mkdir(join(folder, 'closed'));
    await chmod(join(folder, 'closed'), 0o500);
    const path = join(folder, 'closed/new');
    const { fileFailure, summary } = await failureOf(files.createDirectory({ sessionId, path }));
    expect(summary).toBe('PERMISSION_DENIED/FILE_ACCESS_DENIED');
    expect(fileFailure).toMatchObject({ operation: 'mkdir', path, errnoName: 'EACCES' });
  });
});

describe('CreateSymlink', () => {
  it('makes one to anything, which it does not look at', async () => {
    const { files, folder, sessionId } = await startHarness();
    for (const [i, target] of ['nowhere', '/', '../..', 'link0', 'ä'.repeat(2000)].entries()) {
      const path = join(folder, `link${i}`);
      const { file } = await files.createSymlink({ sessionId, path, target });
      expect(file).toMatchObject({ path, kind: FileKind.SYMLINK, linkTarget: target });
      expect(await readlink(path)).toBe(target);
    }
  });

  it('writes bytes that are no UTF-8 as they are', async () => {
    const { files, folder, sessionId } = await startHarness();
    const rawTarget = Uint8Array.of(0xff, 0x2f, 0x01, 0x80);
    const path = join(folder, 'link');
    const { file } = await files.createSymlink({ sessionId, path, rawTarget });
    expect(Buffer.from(file?.rawLinkTarget ?? [])).toEqual(Buffer.from(rawTarget));
    expect(await readlink(path, { encoding: 'buffer' })).toEqual(Buffer.from(rawTarget));
  });

  it('replaces nothing, and wants a target', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'file');
    await writeFile(path, 'content');
    const { summary } = await failureOf(files.createSymlink({ sessionId, path, target: 'x' }));
    expect(summary).toBe('ALREADY_EXISTS/FILE_EXISTS');
    expect((await lstat(path)).isFile()).toBe(true);
    const wrong = [
      { target: '' },
      { target: 'a\0b' },
      { target: 'a'.repeat(4096) },
      { target: 'a', rawTarget: Uint8Array.of(0x61) },
    ];
    for (const fields of wrong) {
      const call = files.createSymlink({ sessionId, path: join(folder, 'new'), ...fields });
      expect((await failureOf(call)).summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    }
    const slash = { sessionId, path: join(folder, 'new/'), target: 'x' };
    expect((await failureOf(files.createSymlink(slash))).summary).toBe('NOT_FOUND/FILE_NOT_FOUND');
  });
});
