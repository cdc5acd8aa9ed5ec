import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { FileFailure } from '../../src/gen/runlet/v1/error_pb.ts';
import {
  type File,
  FileKind,
  type WalkDirectoryRequestSchema,
  type WalkSummary,
} from '../../src/gen/runlet/v1/file_pb.ts';
import { failureOf } from '../support/failure.ts';
import { type Harness, startHarness, temporaryFolder } from '../support/harness.ts';

type Options = Omit<MessageInitShape<typeof WalkDirectoryRequestSchema>, '$typeName'>;

interface Walked {
  /** Below the start, in order. */
  readonly paths: readonly string[];
  readonly files: readonly File[];
  readonly failures: readonly FileFailure[];
  readonly summary: WalkSummary | undefined;
}

async function walk(
  { files: client, sessionId }: Harness,
  path: string,
  options: Options = {},
): Promise<Walked> {
  const files: File[] = [];
  const failures: FileFailure[] = [];
  let summary: WalkSummary | undefined;
  for await (const message of client.walkDirectory({ sessionId, path, ...options })) {
    expect(summary).toBeUndefined();
    files.push(...message.files);
    failures.push(...message.failures);
    summary = message.summary;
  }
  return {
    paths: files.map((file) => file.path.slice(path.length + 1)),
    files,
    failures,
    summary,
  };
}

/** Makes files, and the folders on their way; those that end with a slash are folders. */
async function makeTree(paths: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const path of paths) {
    await mkdir(join(folder, path, path.endsWith('/') ? '' : '..'), { recursive: true });
    if (!path.endsWith('/')) await writeFile(join(folder, path), '');
  }
  return folder;
}

describe('WalkDirectory', () => {
  it('goes breadth first, sorted by bytes in each folder', async () => {
    const folder = await makeTree(['b/z', 'b/a/deep', 'a/1', 'a/10', 'a/2', 'ä', 'Z', 'c/']);
    const { paths, summary } = await walk(await startHarness(), folder);
    const inFolders = ['a/1', 'a/10', 'a/2', 'b/a', 'b/z', 'b/a/deep'];
    expect(paths).toEqual(['Z', 'a', 'b', 'c', 'ä', ...inFolders]);
    expect(summary).toMatchObject({ entries: 11n, truncated: false });
  });

  it('goes no deeper than is asked for', async () => {
    const folder = await makeTree(['a/b/c/d']);
    const harness = await startHarness();
    expect((await walk(harness, folder, { maxDepth: 1 })).paths).toEqual(['a']);
    const two = await walk(harness, folder, { maxDepth: 2 });
    expect(two.paths).toEqual(['a', 'a/b']);
    expect(two.summary).toMatchObject({ entries: 2n, truncated: false });
  });

  it('says whether there would have been more', async () => {
    const folder = await makeTree(['a', 'b/c', 'd']);
    const harness = await startHarness();
    const three = await walk(harness, folder, { maxEntries: 3n });
    expect(three.paths).toEqual(['a', 'b', 'd']);
    expect(three.summary).toMatchObject({ entries: 3n, truncated: true });
    const four = await walk(harness, folder, { maxEntries: 4n });
    expect(four.summary).toMatchObject({ entries: 4n, truncated: false });
  });

  it('tells what matches, and enters folders that do not', async () => {
    const folder = await makeTree(['src/a.ts', 'src/a.js', 'src/deep/b.ts', 'c.ts', 'docs/d.md']);
    const harness = await startHarness();
    const included = async (...include: string[]) =>
      (await walk(harness, folder, { include })).paths;
    expect(await included('*.ts')).toEqual(['c.ts']);
    expect(await included('**/*.ts')).toEqual(['c.ts', 'src/a.ts', 'src/deep/b.ts']);
    expect(await included('src/*.[jt]s', 'docs/**')).toEqual([
      'docs',
      'docs/d.md',
      'src/a.js',
      'src/a.ts',
    ]);
  });

  it('leaves out what is excluded, with all that is below', async () => {
    const folder = await makeTree(['a/node_modules/x/y.ts', 'a/b.ts', 'node_modules/z.ts']);
    const { paths, summary } = await walk(await startHarness(), folder, {
      include: ['**/*.ts'],
      exclude: ['**/node_modules'],
    });
    expect(paths).toEqual(['a/b.ts']);
    expect(summary).toMatchObject({ entries: 1n, truncated: false });
  });

  it('refuses globs that are none, and names them', async () => {
    const folder = await makeTree([]);
    const harness = await startHarness();
    const failure = await failureOf(walk(harness, folder, { include: ['a', 'b[c'] }));
    expect(failure).toMatchObject({ summary: 'INVALID_ARGUMENT/INVALID_REQUEST' });
    expect(failure.badRequest?.fieldViolations).toMatchObject([{ field: 'include[1]' }]);
  });

  it('tells links as links, and does not follow them', async () => {
    const folder = await makeTree(['a/file']);
    await symlink('a', join(folder, 'link'));
    const { files, paths } = await walk(await startHarness(), folder);
    expect(paths).toEqual(['a', 'link', 'a/file']);
    expect(files[1]).toMatchObject({ kind: FileKind.SYMLINK, linkTarget: 'a' });
  });

  it('follows links where that is asked for, each folder once', async () => {
    const folder = await makeTree(['a/file', 'a/b/']);
    await symlink('..', join(folder, 'a', 'up'));
    await symlink('a', join(folder, 'link'));
    await symlink('nowhere', join(folder, 'dangling'));
    await symlink('file', join(folder, 'a', 'to-file'));
    const { failures, files, paths } = await walk(await startHarness(), folder, {
      followSymlinks: true,
    });
    expect(failures).toEqual([]);
    expect(paths).toEqual(['a', 'dangling', 'link', 'a/b', 'a/file', 'a/to-file', 'a/up']);
    const kinds = new Map(files.map(({ kind, path }) => [path.slice(folder.length + 1), kind]));
    expect(kinds.get('a/up')).toBe(FileKind.DIRECTORY);
    expect(kinds.get('a/to-file')).toBe(FileKind.REGULAR);
    expect(kinds.get('dangling')).toBe(FileKind.SYMLINK);
  });

  it('says what is no folder', async () => {
    const folder = await makeTree(['file']);
    const failure = await failureOf(walk(await startHarness(), join(folder, 'file')));
    expect(failure.summary).toBe('FAILED_PRECONDITION/NOT_A_DIRECTORY');
  });

  it('does not leave the roots by links', async () => {
    const outside = await makeTree(['secret']);
    const folder = await makeTree(['a']);
    await symlink(outside, join(folder, 'out'));
    const harness = await startHarness({ fileRoots: [folder] });
    const { failures, paths, summary } = await walk(harness, folder, { followSymlinks: true });
    expect(paths).toEqual(['a']);
    expect(failures).toMatchObject([{ path: join(folder, 'out'), reason: 'OUTSIDE_ROOT' }]);
    expect(summary).toMatchObject({ truncated: false });
  });
});
