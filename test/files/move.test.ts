import { randomUUID } from 'node:crypto';
import {
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Agent } from '../../src/files/agent/agent.ts';
import { move } from '../../src/files/agent/move.ts';
import { loadNativeFiles, type NativeFiles, systemError } from '../../src/files/agent/native.ts';
import { Places } from '../../src/files/agent/places.ts';
import { openRoots } from '../../src/files/roots.ts';
import { FileKind } from '../../src/gen/runlet/v1/file_pb.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

describe('MoveFile', () => {
  it('moves files, folders and links, and says what they are in their places', async () => {
    const { files, folder, sessionId } = await startHarness();
    await writeFile(join(folder, 'file'), 'content');
    await mkdir(join(folder, 'below/deep'), { recursive: true });
    await symlink('nowhere', join(folder, 'link'));
    await mkdir(join(folder, 'to'));
    for (const [name, kind] of [
      ['file', FileKind.REGULAR],
      ['below', FileKind.DIRECTORY],
      ['link', FileKind.SYMLINK],
    ] as const) {
      const targetPath = join(folder, 'to', name);
      const { file } = await files.moveFile({ sessionId, path: join(folder, name), targetPath });
      expect(file).toMatchObject({ path: targetPath, kind });
      await expect(lstat(join(folder, name))).rejects.toMatchObject({ code: 'ENOENT' });
    }
    expect((await readdir(join(folder, 'to'))).sort()).toEqual(['below', 'file', 'link']);
    expect(await readdir(join(folder, 'to/below'))).toEqual(['deep']);
  });

  it('replaces what is there only when it is asked to', async () => {
    const { files, folder, sessionId } = await startHarness();
    const [path, targetPath] = [join(folder, 'new'), join(folder, 'old')];
    await writeFile(path, 'new');
    await writeFile(targetPath, 'old');
    const { fileFailure, summary } = await failureOf(
      files.moveFile({ sessionId, path, targetPath }),
    );
    expect(summary).toBe('ALREADY_EXISTS/FILE_EXISTS');
    expect(fileFailure).toMatchObject({ path: targetPath, errnoName: 'EEXIST' });
    expect([await readFile(path, 'utf8'), await readFile(targetPath, 'utf8')]).toEqual([
      'new',
      'old',
    ]);
    await files.moveFile({ sessionId, path, targetPath, replace: true });
    expect([await readFile(targetPath, 'utf8'), await readdir(folder)]).toEqual([
      'new',
      expect.not.arrayContaining(['new']),
    ]);
  });

  it('says what cannot be replaced by what', async () => {
    const { files, folder, sessionId } = await startHarness();
    await mkdir(join(folder, 'full/x'), { recursive: true });
    await mkdir(join(folder, 'empty'));
    await writeFile(join(folder, 'file'), '');
    const moved = async (name: string, target: string): Promise<string> => {
      const call = files.moveFile({
        sessionId,
        path: join(folder, name),
        targetPath: `${folder}/${target}`,
        replace: true,
      });
      return call.then(
        () => 'OK',
        async () => (await failureOf(call)).summary,
      );
    };
    expect(await moved('file', 'empty')).toBe('FAILED_PRECONDITION/IS_A_DIRECTORY');
    expect(await moved('empty', 'file')).toBe('FAILED_PRECONDITION/NOT_A_DIRECTORY');
    expect(await moved('empty', 'full')).toBe('FAILED_PRECONDITION/DIRECTORY_NOT_EMPTY');
    expect(await moved('full', 'full/x/y')).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    expect(await moved('none', 'x')).toBe('NOT_FOUND/FILE_NOT_FOUND');
    expect(await moved('file', 'none/x')).toBe('NOT_FOUND/FILE_NOT_FOUND');
    expect(await moved('file', 'x/')).toBe('FAILED_PRECONDITION/NOT_A_DIRECTORY');
    expect(await moved('full', 'empty/')).toBe('OK');
    expect(await readdir(join(folder, 'empty'))).toEqual(['x']);
  });

  it('leaves one name of a file where both were names of it', async () => {
    const { files, folder, sessionId } = await startHarness();
    const [path, targetPath] = [join(folder, 'a'), join(folder, 'b')];
    await writeFile(path, 'content');
    await link(path, targetPath);
    const { file } = await files.moveFile({ sessionId, path, targetPath, replace: true });
    expect(file).toMatchObject({ path: targetPath, linkCount: 1n });
    // And the same name is no other.
    await files.moveFile({ sessionId, path: targetPath, targetPath, replace: true });
    expect(await readFile(targetPath, 'utf8')).toBe('content');
  });

  it('moves no root, nor anything over one', async () => {
    const folder = await temporaryFolder();
    const inner = join(folder, 'a/inner');
    await mkdir(inner, { recursive: true });
    await mkdir(join(folder, 'empty'));
    const { files, sessionId } = await startHarness({ fileRoots: [folder, inner] });
    const cases = [
      [folder, `${folder}/x`],
      [inner, `${folder}/x`],
      [`${folder}/a/../a/inner`, `${folder}/x`],
      [`${folder}/empty`, inner],
      [`${folder}/empty`, `${folder}/a/./inner`],
      ['/', `${folder}/x`],
    ] as const;
    for (const [path, targetPath] of cases) {
      const call = files.moveFile({ sessionId, path, targetPath, replace: true });
      expect([path, (await failureOf(call)).summary]).toEqual([
        path,
        path === '/' ? 'PERMISSION_DENIED/OUTSIDE_ROOT' : 'FAILED_PRECONDITION/FILE_BUSY',
      ]);
    }
    expect((await stat(inner)).isDirectory()).toBe(true);
  });

  it('is done once for one request_id', async () => {
    const { files, folder, sessionId, sessions } = await startHarness();
    const [path, targetPath] = [join(folder, 'a'), join(folder, 'b')];
    const request = { sessionId, path, targetPath, requestId: randomUUID() };
    const missing = await failureOf(files.moveFile(request));
    expect(missing.summary).toBe('NOT_FOUND/FILE_NOT_FOUND');
    await writeFile(path, '1');
    const first = await files.moveFile(request);
    await writeFile(path, '2');
    expect(await files.moveFile(request)).toEqual(first);
    expect([await readFile(path, 'utf8'), await readFile(targetPath, 'utf8')]).toEqual(['2', '1']);
    const other = await failureOf(files.moveFile({ ...request, replace: true }));
    expect(other.summary).toBe('ALREADY_EXISTS/REQUEST_MISMATCH');
    // It belongs to the session.
    const { session } = await sessions.createSession({});
    const elsewhere = { ...request, sessionId: session?.sessionId ?? '', replace: true };
    await files.moveFile(elsewhere);
    expect(await readFile(targetPath, 'utf8')).toBe('2');
  });
});

describe('a move without renameat2(2)', () => {
  const native = loadNativeFiles();
  // As a file system that does not know of RENAME_NOREPLACE has it, and no koffi.
  const without: readonly (NativeFiles | undefined)[] =
    native === undefined
      ? [undefined]
      : [
          {
            ...native,
            renameNew: () => {
              throw systemError('renameat2', 22);
            },
          },
        ];

  it.each(without)('replaces nothing all the same', async (calls) => {
    const folder = await temporaryFolder();
    const agent = new Agent({ roots: [] }, new Places(openRoots([]), calls));
    const go = (from: string, to: string): unknown =>
      move(agent, { path: `${folder}/${from}`, targetPath: `${folder}/${to}`, replace: false });
    await writeFile(join(folder, 'file'), 'content');
    await symlink('nowhere', join(folder, 'link'));
    await mkdir(join(folder, 'below/deep'), { recursive: true });
    await mkdir(join(folder, 'empty'));
    for (const from of ['file', 'link', 'below']) {
      for (const to of ['empty', 'link', 'file', 'below']) {
        expect(() => go(from, to)).toThrowError(expect.objectContaining({ reason: 'FILE_EXISTS' }));
      }
    }
    expect(() => go('below', 'below/deep/x')).toThrowError(
      expect.objectContaining({ reason: 'INVALID_REQUEST' }),
    );
    for (const from of ['file', 'link', 'below']) go(from, `${from}2`);
    expect((await readdir(folder)).sort()).toEqual(['below2', 'empty', 'file2', 'link2']);
    expect(await readdir(join(folder, 'below2'))).toEqual(['deep']);
    expect(await readFile(join(folder, 'file2'), 'utf8')).toBe('content');
    await rm(join(folder, 'empty'), { recursive: true });
  });
});
