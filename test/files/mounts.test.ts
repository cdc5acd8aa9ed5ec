import { closeSync, readFileSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { allOf, pieceOf, writing } from '../../src/conformance/file-streams.ts';
import { loadNativeFiles, systemError } from '../../src/files/agent/native.ts';
import { Places, pathOf } from '../../src/files/agent/places.ts';
import { FileFault } from '../../src/files/file-fault.ts';
import { closeRoots, openRoots } from '../../src/files/roots.ts';
import { ChangeKind } from '../../src/gen/runlet/v1/file_pb.ts';
import { bindMount } from '../support/bind-mount.ts';
import { failureOf } from '../support/failure.ts';
import { readAll } from '../support/files.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

/**
 * A root with folders that are mounted in it from outside, `mounted` and `holder/mount`, one of
 * them around the root itself, `around`; and a folder of it that is mounted outside.
 */
async function mounts(test: TestContext) {
  const base = await temporaryFolder();
  const [root, outside] = [join(base, 'root'), join(base, 'outside')];
  await mkdir(join(outside, 'sub/deep'), { recursive: true });
  await mkdir(join(root, 'folder'), { recursive: true });
  await mkdir(join(root, 'holder'));
  await writeFile(join(root, 'file'), 'inside');
  await writeFile(join(root, 'folder/file'), 'inside');
  await writeFile(join(outside, 'secret'), 'secret');
  await writeFile(join(outside, 'sub/file'), 'mounted');
  await symlink(join(outside, 'secret'), join(outside, 'sub/absolute'));
  await symlink('../secret', join(outside, 'sub/relative'));
  await symlink('../file', join(outside, 'sub/back'));
  await symlink('../outside/mirror/file', join(root, 'to-mirror'));
  for (const [from, to] of [
    [join(outside, 'sub'), join(root, 'mounted')],
    [join(outside, 'sub'), join(root, 'holder/mount')],
    [base, join(root, 'around')],
    [join(root, 'folder'), join(outside, 'mirror')],
  ] as const) {
    const why = await bindMount(from, to);
    if (why !== undefined) return test.skip(`no mounts: ${why}`);
  }
  return { root, outside };
}

/** What paths below a root lead to: a content, a folder, or why to nothing. */
const PATHS: Readonly<Record<string, string>> = {
  mounted: 'a folder',
  'mounted/file': 'mounted',
  'mounted/deep/../file': 'mounted',
  'mounted/..': 'a folder',
  'mounted/../file': 'inside',
  // Links are followed from where they are found, and not from where that is mounted from.
  'mounted/back': 'inside',
  'mounted/relative': 'FILE_NOT_FOUND',
  'mounted/absolute': 'OUTSIDE_ROOT',
  'mounted/../../outside/secret': 'OUTSIDE_ROOT',
  'around/outside/secret': 'secret',
  'around/../file': 'inside',
  'around/root/file': 'inside',
  'around/root/../outside/secret': 'secret',
  'around/../../outside/secret': 'OUTSIDE_ROOT',
  'around/root/../../../outside/secret': 'OUTSIDE_ROOT',
  '../outside/mirror/file': 'OUTSIDE_ROOT',
  '../outside/mirror/../secret': 'OUTSIDE_ROOT',
  'to-mirror': 'OUTSIDE_ROOT',
};

function withoutOpenat2(): ReturnType<typeof loadNativeFiles> {
  const native = loadNativeFiles();
  const openBeneath = (): never => {
    throw systemError('openat2', 38);
  };
  return native === undefined ? undefined : { ...native, openBeneath };
}

/** What a path leads to. */
function found(places: Places, path: string): string {
  try {
    const descriptor = places.find(path, { follow: true });
    try {
      return readFileSync(pathOf(descriptor), 'utf8');
    } catch {
      return 'a folder';
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return error instanceof FileFault ? error.reason : String(error);
  }
}

describe('what is mounted in a root', () => {
  for (const confinement of ['openat2', 'descriptors'] as const) {
    it(`is in it, and what is mounted elsewhere is not, by ${confinement}`, async (test) => {
      const { root } = await mounts(test);
      const roots = openRoots([root]);
      onTestFinished(() => closeRoots(roots));
      const native = confinement === 'openat2' ? loadNativeFiles() : withoutOpenat2();
      const places = new Places(roots, native);
      expect(places.confinement).toBe(confinement);
      const all = Object.keys(PATHS).map((path) => [path, found(places, `${root}/${path}`)]);
      expect(Object.fromEntries(all)).toEqual(PATHS);
    });
  }

  it('is read, written, walked and watched as the rest', async (test) => {
    const { outside, root } = await mounts(test);
    const { files, sessionId } = await startHarness({ fileRoots: [root] });
    const path = join(root, 'mounted/new');
    await files.writeFile(writing({ sessionId, path }, [pieceOf('new')]));
    expect(await readFile(join(outside, 'sub/new'), 'utf8')).toBe('new');
    const { content } = await readAll(files.readFile({ sessionId, path }));
    expect(content.toString()).toBe('new');
    const resolved = await files.resolvePath({ sessionId, path: `${root}/mounted/deep/..` });
    expect(resolved.path).toBe(join(root, 'mounted'));
    const walked = await allOf(files.walkDirectory({ sessionId, path: root }));
    const paths = walked.flatMap((message) => message.files.map((file) => file.path));
    expect(paths).toContain(path);
    expect(paths).toContain(join(root, 'around/outside/secret'));
    // A folder is entered once, whatever paths it has.
    expect(paths).not.toContain(join(root, 'around/root/file'));
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const request = { sessionId, path: join(root, 'holder'), recursive: true };
    const messages = files.watchDirectory(request, { signal: stop.signal })[Symbol.asyncIterator]();
    await messages.next();
    await writeFile(join(outside, 'sub/later'), '');
    expect((await messages.next()).value?.response.value).toMatchObject({
      changes: [{ kind: ChangeKind.CREATED, path: join(root, 'holder/mount/later') }],
    });
  });

  it('is neither removed nor moved, and nothing of it by what it is in', async (test) => {
    const { outside, root } = await mounts(test);
    const { files, sessionId } = await startHarness({ fileRoots: [root] });
    const content = async (): Promise<readonly string[]> =>
      (await readdir(outside, { recursive: true })).toSorted();
    const before = await content();
    const at = (name: string) => ({ sessionId, path: join(root, name) });
    const to = (name: string) => ({ targetPath: join(root, name) });
    for (const [call, reason] of [
      [() => files.removeFile(at('mounted')), 'FILE_BUSY'],
      [() => files.removeFile({ ...at('mounted'), recursive: true }), 'FILE_BUSY'],
      [() => files.removeFile({ ...at('holder'), recursive: true }), 'FILE_BUSY'],
      [() => files.removeFile({ ...at('around'), recursive: true }), 'FILE_BUSY'],
      [() => files.moveFile({ ...at('mounted'), ...to('elsewhere') }), 'FILE_BUSY'],
      [() => files.moveFile({ ...at('file'), ...to('mounted/moved') }), 'CROSS_DEVICE'],
      [() => files.moveFile({ ...at('mounted/file'), ...to('moved') }), 'CROSS_DEVICE'],
      [
        () => files.moveFile({ ...at('file'), targetPath: join(outside, 'mirror/x') }),
        'OUTSIDE_ROOT',
      ],
    ] as const) {
      expect((await failureOf(call())).info?.reason).toBe(reason);
    }
    expect(await content()).toEqual(before);
    expect((await lstat(join(root, 'holder/mount'))).isDirectory()).toBe(true);
    // What is mounted elsewhere is ours here.
    await files.removeFile({ ...at('folder'), recursive: true });
    expect(await readdir(join(outside, 'mirror'))).toEqual([]);
  });
});
