import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Agent } from '../../src/files/agent/agent.ts';
import { loadNativeFiles, systemError } from '../../src/files/agent/native.ts';
import { Places } from '../../src/files/agent/places.ts';
import { remove } from '../../src/files/agent/remove.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

const isRoot = process.geteuid?.() === 0;

describe('RemoveFile', () => {
  it('removes a file, a link and not its target, and an empty folder', async () => {
    const { files, folder, sessionId } = await startHarness();
    const below = join(folder, 'below');
    await mkdir(join(below, 'target'), { recursive: true });
    await writeFile(join(below, 'file'), '');
    await symlink('target', join(below, 'link'));
    for (const name of ['file', 'link'])
      await files.removeFile({ sessionId, path: join(below, name) });
    expect(await readdir(below)).toEqual(['target']);
    await files.removeFile({ sessionId, path: join(below, 'target/') });
    expect(await readdir(below)).toEqual([]);
  });

  it('wants to be told so of a folder that is not empty, and of what is not there', async () => {
    const { files, folder, sessionId } = await startHarness();
    await mkdir(join(folder, 'below/deep'), { recursive: true });
    await writeFile(join(folder, 'file'), '');
    await symlink('below', join(folder, 'link'));
    const removed = async (path: string, more = {}): Promise<string> => {
      const call = files.removeFile({ sessionId, path: `${folder}/${path}`, ...more });
      return call.then(
        () => 'OK',
        async () => (await failureOf(call)).summary,
      );
    };
    expect(await removed('below')).toBe('FAILED_PRECONDITION/DIRECTORY_NOT_EMPTY');
    for (const recursive of [false, true]) {
      expect(await removed('none', { recursive })).toBe('NOT_FOUND/FILE_NOT_FOUND');
      expect(await removed('none', { recursive, missingOk: true })).toBe('OK');
      expect(await removed('none/x', { recursive, missingOk: true })).toBe('OK');
      const noFolder = 'FAILED_PRECONDITION/NOT_A_DIRECTORY';
      expect(await removed('file/x', { recursive, missingOk: true })).toBe(noFolder);
      expect(await removed('file/', { recursive })).toBe(noFolder);
      // The link would go, or its target, where somebody meant the other.
      expect(await removed('link/', { recursive })).toBe(noFolder);
    }
    expect(await removed('below', { recursive: true })).toBe('OK');
    expect(await removed('link', { recursive: true })).toBe('OK');
  });

  it('removes a tree of links, odd names and files of all kinds, and nothing else', async () => {
    const { files, folder, sessionId } = await startHarness();
    const outside = await temporaryFolder();
    await writeFile(join(outside, 'kept'), 'kept');
    const tree = join(folder, 'tree');
    await mkdir(join(tree, 'a/b/c'), { recursive: true });
    await symlink(outside, join(tree, 'a/out'));
    await symlink('.', join(tree, 'a/b/cycle'));
    await symlink('..', join(tree, 'a/b/c/up'));
    execFileSync('mkfifo', [join(tree, 'fifo')]);
    for (let byte = 1; byte < 256; byte++) {
      if (byte === 0x2f || byte === 0x2e || byte === 0x61) continue;
      const name = Buffer.concat([Buffer.from(`${tree}/`), Buffer.of(byte)]);
      await writeFile(name, '');
    }
    await writeFile(join(tree, 'n'.repeat(255)), '');
    await files.removeFile({ sessionId, path: tree, recursive: true });
    expect(await readdir(folder)).not.toContain('tree');
    expect(await readFile(join(outside, 'kept'), 'utf8')).toBe('kept');
  });

  it('removes thousands of levels', async () => {
    const { files, folder, sessionId } = await startHarness();
    // Deeper than a path can say.
    execFileSync('python3', ['-c', DEEP, folder, '2000']);
    await files.removeFile({ sessionId, path: join(folder, 'd'), recursive: true });
    expect(await readdir(folder)).not.toContain('d');
  });

  it('removes many files and folders beside one another', async () => {
    const { files, folder, sessionId } = await startHarness();
    execFileSync('python3', ['-c', WIDE, folder, '500']);
    await files.removeFile({ sessionId, path: join(folder, 'w'), recursive: true });
    expect(await readdir(folder)).not.toContain('w');
  });

  it('refuses the top of the system and roots, however they are named', async () => {
    const folder = await temporaryFolder();
    const inner = join(folder, 'a/inner');
    await mkdir(inner, { recursive: true });
    await writeFile(join(folder, 'a/file'), '');
    const { files, sessionId } = await startHarness({ fileRoots: [folder, inner] });
    const paths = [folder, `${folder}/`, `${folder}/.`, inner, `${folder}/a/../a/inner`];
    for (const path of paths) {
      for (const recursive of [false, true]) {
        const { summary } = await failureOf(files.removeFile({ sessionId, path, recursive }));
        expect([path, summary]).toEqual([path, 'FAILED_PRECONDITION/FILE_BUSY']);
      }
    }
    // It is left with what it is in; the rest goes.
    const call = files.removeFile({ sessionId, path: join(folder, 'a'), recursive: true });
    const { fileFailure, summary } = await failureOf(call);
    expect(summary).toBe('FAILED_PRECONDITION/FILE_BUSY');
    expect(fileFailure).toMatchObject({ path: inner, entries: 1n });
    expect(await readdir(join(folder, 'a'))).toEqual(['inner']);
    const open = await startHarness();
    for (const path of ['/', '//', '/.', '/..', '/tmp/..']) {
      const request = { sessionId: open.sessionId, path, recursive: true };
      const { summary } = await failureOf(open.files.removeFile(request));
      expect([path, summary]).toEqual([path, 'FAILED_PRECONDITION/FILE_BUSY']);
    }
  });

  it.runIf(isRoot)('never enters what is mounted', async (test) => {
    const { files, folder, sessionId } = await startHarness();
    const [source, tree] = [join(folder, 'source'), join(folder, 'tree')];
    await mkdir(source);
    await writeFile(join(source, 'kept'), 'kept');
    await mkdir(join(tree, 'a/mounted'), { recursive: true });
    await writeFile(join(tree, 'file'), '');
    // The same file system, so that it can be told by the mount alone.
    if (!mount('--bind', source, join(tree, 'a/mounted'))) test.skip('mount(8) may not bind here');
    for (const path of [join(tree, 'a/mounted'), tree]) {
      const { fileFailure, summary } = await failureOf(
        files.removeFile({ sessionId, path, recursive: true }),
      );
      expect(summary).toBe('FAILED_PRECONDITION/FILE_BUSY');
      expect(fileFailure).toMatchObject({ path: join(tree, 'a/mounted'), errnoName: 'EBUSY' });
    }
    expect(await readFile(join(source, 'kept'), 'utf8')).toBe('kept');
    expect(await readdir(tree)).toEqual(['a']);
    // And where descriptors are compared because there is no openat2(2).
    const step = (): unknown => [...remove(agentWithout(), { path: tree, ...RECURSIVE })];
    expect(step).toThrowError(expect.objectContaining({ reason: 'FILE_BUSY' }));
    expect(await readFile(join(source, 'kept'), 'utf8')).toBe('kept');
  });

  it.runIf(isRoot)('says what a file system that is read-only keeps', async (test) => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'mounted');
    await mkdir(path);
    if (!mount('-t', 'tmpfs', '-o', 'size=64k', 'none', path))
      test.skip('mount(8) may not make a tmpfs here');
    await mkdir(join(path, 'below'));
    await writeFile(join(path, 'below/file'), '');
    execFileSync('mount', ['-o', 'remount,ro', path]);
    const below = join(path, 'below');
    const readOnly = 'FAILED_PRECONDITION/READ_ONLY_FILE_SYSTEM';
    const calls = [
      () => files.removeFile({ sessionId, path: below, recursive: true }),
      () => files.removeFile({ sessionId, path: join(below, 'file') }),
      () => files.createDirectory({ sessionId, path: join(path, 'x') }),
      () => files.createSymlink({ sessionId, path: join(path, 'x'), target: 'y' }),
      () => files.setFileAttributes({ sessionId, path: below, mode: 0o700 }),
      () => files.moveFile({ sessionId, path: below, targetPath: join(path, 'x') }),
      () => files.moveFile({ sessionId, path: below, targetPath: join(path, 'x'), replace: true }),
    ];
    for (const call of calls) {
      const { fileFailure, summary } = await failureOf(call());
      expect(summary).toBe(readOnly);
      expect(fileFailure).toMatchObject({ errnoName: 'EROFS', entries: 0n });
    }
    expect(await readdir(below)).toEqual(['file']);
    const across = { sessionId, path: below, targetPath: join(folder, 'x') };
    expect((await failureOf(files.moveFile(across))).summary).toBe(
      'FAILED_PRECONDITION/CROSS_DEVICE',
    );
  });

  it.skipIf(isRoot)('removes what it can, and tells of the first that it cannot', async () => {
    const { files, folder, sessionId } = await startHarness();
    const tree = join(folder, 'tree');
    await mkdir(join(tree, 'closed/deep'), { recursive: true });
    await mkdir(join(tree, 'unreadable'));
    await mkdir(join(tree, 'open/deep'), { recursive: true });
    await writeFile(join(tree, 'closed/file'), '');
    await writeFile(join(tree, 'closed/deep/file'), '');
    await writeFile(join(tree, 'open/deep/file'), '');
    await chmod(join(tree, 'closed'), 0o500);
    await chmod(join(tree, 'unreadable'), 0o300);
    onTestFinished(() => chmod(join(tree, 'closed'), 0o700));
    const { fileFailure, summary } = await failureOf(
      files.removeFile({ sessionId, path: tree, recursive: true }),
    );
    expect(summary).toBe('PERMISSION_DENIED/FILE_ACCESS_DENIED');
    expect(fileFailure?.path).toMatch(/\/closed\/(file|deep)$/);
    // `open`, `deep` in it and its file, the file of the closed folder's own, the empty unreadable one.
    expect(fileFailure).toMatchObject({ errnoName: 'EACCES', entries: 5n });
    expect(await readdir(tree)).toEqual(['closed']);
    expect((await readdir(join(tree, 'closed'))).sort()).toEqual(['deep', 'file']);
  });

  it('can be called by many at once for the same', async () => {
    const { files, folder, sessionId } = await startHarness();
    execFileSync('python3', ['-c', WIDE, folder, '300']);
    execFileSync('python3', ['-c', DEEP, join(folder, 'w'), '200']);
    const request = { sessionId, path: join(folder, 'w'), recursive: true, missingOk: true };
    await Promise.all(Array.from({ length: 8 }, () => files.removeFile(request)));
    await expect(lstat(join(folder, 'w'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a removal', () => {
  it('gives others their turn, and frees all when it is given up', async () => {
    const folder = await temporaryFolder();
    execFileSync('python3', ['-c', WIDE, folder, '1000']);
    execFileSync('python3', ['-c', DEEP, join(folder, 'w'), '100']);
    const before = await readdir('/proc/self/fd');
    const going = remove(new Agent({ roots: [] }), { path: join(folder, 'w'), ...RECURSIVE });
    expect(going.next().done).toBe(false);
    expect(going.next().done).toBe(false);
    going.return(0);
    // Not what others of this process open meanwhile: ours are of that folder.
    expect((await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(before.length);
    expect(await readdir(folder)).toEqual(['w']);
    await rm(folder, { recursive: true });
  });

  it('removes hundreds of levels by names alone, too', async () => {
    const folder = await temporaryFolder();
    execFileSync('python3', ['-c', DEEP, folder, '300']);
    let steps = remove(agentWithout(), { path: join(folder, 'd'), ...RECURSIVE });
    let step = steps.next();
    while (!step.done) step = steps.next();
    expect(step.value).toBe(301);
    steps = remove(agentWithout(), { path: join(folder, 'd'), ...RECURSIVE });
    expect(() => [...steps]).toThrowError(expect.objectContaining({ code: 'ENOENT' }));
  });
});

const RECURSIVE = { recursive: true, missingOk: false };

/** One for which there is no openat2(2). */
function agentWithout(): Agent {
  const native = loadNativeFiles();
  const openBeneath = (): never => {
    throw systemError('openat2', 38);
  };
  const places = new Places([], native === undefined ? undefined : { ...native, openBeneath });
  expect(places.confinement).toBe('descriptors');
  return new Agent({ roots: [] }, places);
}

/** Mounts something for the test; false: that cannot be done here. */
function mount(...args: string[]): boolean {
  const folder = args.at(-1) ?? '';
  try {
    execFileSync('mount', args, { stdio: 'ignore' });
  } catch {
    return false;
  }
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]));
  return true;
}

/** Makes folders `d` in one another, and a file in the last. */
const DEEP = `
import os, sys
os.chdir(sys.argv[1])
for _ in range(int(sys.argv[2])):
    os.mkdir('d')
    os.chdir('d')
open('file', 'w').close()
`;

/** Makes a folder \`w\` with files and folders. */
const WIDE = `
import os, sys
os.mkdir(sys.argv[1] + '/w')
os.chdir(sys.argv[1] + '/w')
for i in range(int(sys.argv[2])):
    os.mkdir('d%d' % i)
    open('f%d' % i, 'w').close()
`;
