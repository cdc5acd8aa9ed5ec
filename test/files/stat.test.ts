import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileKind } from '../../src/gen/runlet/v1/file_pb.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

describe('StatFile', () => {
  it('describes files, folders and links', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'below'));
    await writeFile(join(folder, 'file'), 'content');
    await symlink('file', join(folder, 'link'));
    const { files, sessionId } = await startHarness();
    const stat = async (name: string, noFollow = false) =>
      (await files.statFile({ sessionId, path: join(folder, name), noFollow })).file;
    expect(await stat('file')).toMatchObject({ kind: FileKind.REGULAR, size: 7n, linkCount: 1n });
    expect(await stat('below')).toMatchObject({ kind: FileKind.DIRECTORY });
    expect(await stat('link')).toMatchObject({ kind: FileKind.REGULAR, size: 7n });
    expect(await stat('link', true)).toMatchObject({ kind: FileKind.SYMLINK, linkTarget: 'file' });
  });

  it('says what is not there', async () => {
    const { files, sessionId } = await startHarness();
    const failure = await failureOf(files.statFile({ sessionId, path: '/no/such/file' }));
    expect(failure).toMatchObject({ summary: 'NOT_FOUND/FILE_NOT_FOUND' });
  });

  it('keeps to the roots', async () => {
    const folder = await temporaryFolder();
    const outside = await temporaryFolder();
    await writeFile(join(outside, 'secret'), 'x');
    await symlink(join(outside, 'secret'), join(folder, 'link'));
    const { files, sessionId } = await startHarness({ fileRoots: [folder] });
    for (const path of [join(outside, 'secret'), join(folder, 'link'), `${folder}/../x`]) {
      const failure = await failureOf(files.statFile({ sessionId, path }));
      expect(failure).toMatchObject({ summary: 'PERMISSION_DENIED/OUTSIDE_ROOT' });
    }
  });
});
