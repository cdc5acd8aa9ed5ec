import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileKind } from '../../src/gen/runlet/v1/file_pb.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness } from '../support/harness.ts';

/** Names that file systems take, and people do not expect. */
function oddNames(): readonly Buffer[] {
  const bytes = Array.from({ length: 255 }, (_, i) => i + 1).filter((byte) => byte !== 0x2f);
  return [
    // All bytes but `/` and NUL, in one name.
    Buffer.from(bytes),
    ...bytes.filter((byte) => byte !== 0x2e && byte % 5 === 0).map((byte) => Buffer.of(byte)),
    Buffer.alloc(255, 'n'),
    Buffer.alloc(255, 0xff),
    ...['...', '..a', ' ', '\n', '-rf', '*', '$(id)', 'a\\b', '\u202e', '😀', '�'].map((name) =>
      Buffer.from(name),
    ),
  ];
}

describe('files with any names', () => {
  it('are made, told, moved, marked and removed', async () => {
    const { files, folder, sessionId } = await startHarness();
    const inner = join(folder, 'names');
    await mkdir(inner);
    const rawOf = (name: Buffer): Buffer => Buffer.concat([Buffer.from(`${inner}/`), name]);
    for (const name of oddNames()) {
      const rawPath = rawOf(name);
      const made = await files.createDirectory({ sessionId, rawPath });
      expect([name, made.file?.kind]).toEqual([name, FileKind.DIRECTORY]);
      const { file } = await files.statFile({ sessionId, rawPath });
      // Told by its bytes where it is no text, and by its text where it is one.
      const told = file?.rawPath.length === 0 ? Buffer.from(file.path) : file?.rawPath;
      expect(Buffer.from(told ?? [])).toEqual(rawPath);
      await files.removeFile({ sessionId, rawPath });
      await files.createSymlink({ sessionId, rawPath, rawTarget: name });
      const target = join(inner, 'target');
      await files.moveFile({ sessionId, rawPath, targetPath: target });
      await files.moveFile({ sessionId, path: target, rawTargetPath: rawPath });
      expect(await readdir(inner, { encoding: 'buffer' })).toEqual([name]);
      const modifyTime = { seconds: 1n, nanos: 0 };
      await files.setFileAttributes({ sessionId, rawPath, noFollow: true, modifyTime });
      await files.removeFile({ sessionId, rawPath });
      expect(await readdir(inner)).toEqual([]);
    }
  });

  it('are refused where the system has no such names', async () => {
    const { files, folder, sessionId } = await startHarness();
    const calls = [
      () => files.createDirectory({ sessionId, path: join(folder, 'n'.repeat(256)) }),
      () => files.createDirectory({ sessionId, path: `${folder}${'/n'.repeat(2100)}` }),
      () => files.removeFile({ sessionId, path: join(folder, 'a\0b') }),
      () => files.removeFile({ sessionId, path: 'relative' }),
      () => files.removeFile({ sessionId, path: '' }),
      () => files.moveFile({ sessionId, path: folder, targetPath: 'relative' }),
    ];
    for (const call of calls) {
      expect((await failureOf(call())).summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    }
  });

  it('are reached through 64 levels, and through links that go round', async () => {
    const { files, folder, sessionId } = await startHarness();
    const deep = `${folder}${'/d'.repeat(64)}`;
    await files.createDirectory({ sessionId, path: deep, parents: true });
    await writeFile(join(deep, 'file'), '');
    await symlink('..', join(deep, 'up'));
    const path = `${deep}${'/up/d'.repeat(30)}/file`;
    const { file } = await files.statFile({ sessionId, path });
    expect(file).toMatchObject({ kind: FileKind.REGULAR, path });
    expect((await files.resolvePath({ sessionId, path })).path).toBe(join(deep, 'file'));
    const tooMany = `${deep}${'/up/d'.repeat(41)}/file`;
    for (const call of [
      () => files.statFile({ sessionId, path: tooMany }),
      () => files.removeFile({ sessionId, path: tooMany, missingOk: true }),
      () => files.createDirectory({ sessionId, path: tooMany, parents: true }),
    ]) {
      expect((await failureOf(call())).summary).toBe('FAILED_PRECONDITION/TOO_MANY_SYMLINKS');
    }
  });
});
