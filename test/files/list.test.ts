import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type File, FileKind } from '../../src/gen/runlet/v1/file_pb.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness, temporaryFolder } from '../support/harness.ts';

async function list({ files, sessionId }: Harness, path: string) {
  const found: File[] = [];
  for await (const message of files.listDirectory({ sessionId, path }))
    found.push(...message.files);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

describe('ListDirectory', () => {
  it('describes what is in a folder, links as links', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'below'));
    await writeFile(join(folder, 'below', 'deeper'), '');
    await writeFile(join(folder, 'file'), 'content', { mode: 0o640 });
    await symlink('nowhere', join(folder, 'link'));
    const harness = await startHarness();
    expect(await list(harness, folder)).toMatchObject([
      { path: join(folder, 'below'), kind: FileKind.DIRECTORY },
      { path: join(folder, 'file'), kind: FileKind.REGULAR, size: 7n, mode: 0o640 },
      { path: join(folder, 'link'), kind: FileKind.SYMLINK, linkTarget: 'nowhere' },
    ]);
  });

  it('describes a file as StatFile does', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), 'content');
    const harness = await startHarness();
    const [listed] = await list(harness, folder);
    const { file } = await harness.files.statFile({
      sessionId: harness.sessionId,
      path: join(folder, 'file'),
    });
    expect(listed).toEqual(file);
  });

  it('follows a link to a folder, and tells paths as the call spelled it', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'below'));
    await writeFile(join(folder, 'below', 'file'), '');
    await symlink('below', join(folder, 'link'));
    const harness = await startHarness();
    const paths = async (path: string) => (await list(harness, path)).map((file) => file.path);
    expect(await paths(join(folder, 'link'))).toEqual([join(folder, 'link', 'file')]);
    expect(await paths(`${folder}/below//`)).toEqual([`${folder}/below//file`]);
  });

  it('says what is no folder, and what is not there', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const harness = await startHarness();
    const fails = async (name: string) =>
      (await failureOf(list(harness, join(folder, name)))).summary;
    expect(await fails('file')).toBe('FAILED_PRECONDITION/NOT_A_DIRECTORY');
    expect(await fails('nothing')).toBe('NOT_FOUND/FILE_NOT_FOUND');
  });

  it('is over at once for an empty folder', async () => {
    const folder = await temporaryFolder();
    expect(await list(await startHarness(), folder)).toEqual([]);
  });
});
