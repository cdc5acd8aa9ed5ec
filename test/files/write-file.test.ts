import { randomBytes, randomUUID } from 'node:crypto';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WriteDisposition } from '../../src/gen/runlet/v1/file_pb.ts';
import { MAX_SESSION_UPLOADS } from '../../src/limits.ts';
import { failureOf } from '../support/failure.ts';
import { sha256Of, writeRequests } from '../support/files.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

const { APPEND, CREATE_NEW, IN_PLACE } = WriteDisposition;
const TEXT = Buffer.from('new content');

describe('what WriteFile makes', () => {
  it('has the mode of what it replaces, one that is named, or that of a new file', async () => {
    const folder = await temporaryFolder();
    const { files, sessionId } = await startHarness();
    const written = async (name: string, mode?: number): Promise<number> => {
      const open = { sessionId, path: join(folder, name), ...(mode === undefined ? {} : { mode }) };
      await files.writeFile(writeRequests(open, TEXT));
      return (await stat(open.path)).mode & 0o7777;
    };
    const umask = process.umask();
    expect(await written('new')).toBe(0o666 & ~umask);
    await chmod(join(folder, 'new'), 0o2751);
    expect(await written('new')).toBe(0o2751);
    expect(await written('new', 0o600)).toBe(0o600);
    expect(await written('other', 0o777)).toBe(0o777);
    if (process.getuid?.() !== 0) return;
    await chown(join(folder, 'new'), 1234, 4321);
    expect(await written('new')).toBe(0o600);
    expect(await stat(join(folder, 'new'))).toMatchObject({ uid: 1234, gid: 4321 });
  });

  it('takes the place of what a link leads to, and makes what it leads to', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'deep/below'), { recursive: true });
    await writeFile(join(folder, 'deep/file'), 'old');
    await symlink('../../deep/below/../file', join(folder, 'deep/below/link'));
    await symlink('deep/below/link', join(folder, 'chain'));
    await symlink('deep/dangling', join(folder, 'nowhere'));
    await symlink('loop', join(folder, 'loop'));
    const { files, sessionId } = await startHarness({ fileRoots: [folder] });
    const write = (name: string) =>
      files.writeFile(writeRequests({ sessionId, path: join(folder, name) }, TEXT));
    expect((await write('chain')).file?.path).toBe(join(folder, 'chain'));
    expect(await readFile(join(folder, 'deep/file'), 'utf8')).toBe('new content');
    expect(await readlink(join(folder, 'chain'))).toBe('deep/below/link');
    await write('nowhere');
    expect(await readFile(join(folder, 'deep/dangling'), 'utf8')).toBe('new content');
    const loop = await failureOf(write('loop'));
    expect(loop.summary).toBe('FAILED_PRECONDITION/TOO_MANY_SYMLINKS');
    await symlink('/etc/hostname', join(folder, 'out'));
    await symlink('../../outside', join(folder, 'deep/up'));
    for (const name of ['out', 'deep/up']) {
      expect((await failureOf(write(name))).summary).toBe('PERMISSION_DENIED/OUTSIDE_ROOT');
    }
    const isNew = writeRequests(
      { sessionId, path: join(folder, 'loop'), disposition: CREATE_NEW },
      TEXT,
    );
    expect((await failureOf(files.writeFile(isNew))).summary).toBe('ALREADY_EXISTS/FILE_EXISTS');
  });

  it('replaces no folder, FIFO, or device, and none is opened', async () => {
    const folder = await temporaryFolder();
    const { files, sessionId } = await startHarness();
    const { execFileSync } = await import('node:child_process');
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    for (const [path, reason] of [
      [folder, 'IS_A_DIRECTORY'],
      ['/', 'IS_A_DIRECTORY'],
      [`${folder}/new/`, 'IS_A_DIRECTORY'],
      [join(folder, 'fifo'), 'NOT_A_REGULAR_FILE'],
      ['/dev/null', 'NOT_A_REGULAR_FILE'],
      [join(folder, 'fifo/x'), 'NOT_A_DIRECTORY'],
    ] as const) {
      for (const disposition of [WriteDisposition.REPLACE, IN_PLACE]) {
        const call = files.writeFile(writeRequests({ sessionId, path, disposition }, TEXT));
        expect([path, (await failureOf(call)).summary]).toEqual([
          path,
          `FAILED_PRECONDITION/${reason}`,
        ]);
      }
    }
    expect((await lstat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('is checked before it has its place', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    await writeFile(path, 'as it was');
    const { files, sessionId } = await startHarness();
    const wrong = [
      { sha256: new Uint8Array(sha256Of(Buffer.from('another'))) },
      { size: 10n },
      { size: 12n },
    ];
    for (const fields of wrong) {
      const call = files.writeFile(writeRequests({ sessionId, path, ...fields }, TEXT));
      expect((await failureOf(call)).summary).toBe('DATA_LOSS/CHECKSUM_MISMATCH');
    }
    expect(await readFile(path, 'utf8')).toBe('as it was');
    expect(await readdir(folder)).toEqual(['file']);
    const right = { sha256: new Uint8Array(sha256Of(TEXT)), size: 11n, sync: true };
    await files.writeFile(writeRequests({ sessionId, path, ...right }, TEXT));
    expect(await readFile(path, 'utf8')).toBe('new content');
  });

  it('gets its place where folders on the way are made', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'a/b/../c/file');
    const { files, sessionId } = await startHarness({ fileRoots: [folder] });
    const missing = await failureOf(files.writeFile(writeRequests({ sessionId, path }, TEXT)));
    expect(missing).toMatchObject({
      summary: 'NOT_FOUND/FILE_NOT_FOUND',
      fileFailure: { errnoName: 'ENOENT', path },
    });
    await files.writeFile(writeRequests({ sessionId, path, parents: true }, TEXT));
    expect(await readFile(join(folder, 'a/c/file'), 'utf8')).toBe('new content');
  });
});

describe('a file that is written itself', () => {
  it('stays the same with its other names, and is cut off where it ends', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    await writeFile(path, 'x'.repeat(1000), { mode: 0o604 });
    await link(path, join(folder, 'other'));
    const { files, sessionId } = await startHarness();
    const open = { sessionId, path, disposition: IN_PLACE };
    await files.writeFile(writeRequests(open, TEXT));
    expect(await readFile(join(folder, 'other'), 'utf8')).toBe('new content');
    expect((await stat(path)).mode & 0o777).toBe(0o604);
    await files.writeFile(writeRequests({ ...open, path: join(folder, 'made') }, TEXT));
    expect(await readFile(join(folder, 'made'), 'utf8')).toBe('new content');
  });

  it('is appended to once, also by repeats', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    await writeFile(path, 'before ');
    const { files, sessionId } = await startHarness();
    const open = { sessionId, path, disposition: APPEND };
    const without = await failureOf(files.writeFile(writeRequests(open, TEXT)));
    expect(without).toMatchObject({ summary: 'INVALID_ARGUMENT/INVALID_REQUEST' });
    const again = { ...open, uploadId: randomUUID() };
    const cut = files.writeFile(writeRequests(again, TEXT.subarray(0, 5), { finish: false }));
    expect((await failureOf(cut)).summary).toBe('FAILED_PRECONDITION/UPLOAD_UNFINISHED');
    for (let times = 0; times < 3; times++) await files.writeFile(writeRequests(again, TEXT));
    expect(await readFile(path, 'utf8')).toBe('before new content');
  });

  it('is written by one of two who want the same version', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    await writeFile(path, 'as it was');
    const { files, sessionId } = await startHarness();
    const version = async (): Promise<string> =>
      (await files.statFile({ sessionId, path })).file?.version ?? '';
    for (const disposition of [IN_PLACE, WriteDisposition.REPLACE]) {
      const open = { sessionId, path, disposition, ifVersion: await version() };
      const calls = Array.from({ length: 8 }, () =>
        files.writeFile(writeRequests(open, randomBytes(300_000))),
      );
      const ends = await Promise.all(
        calls.map((call) =>
          call.then(
            ({ sha256 }) => Buffer.from(sha256).toString('hex'),
            async () => (await failureOf(call)).summary,
          ),
        ),
      );
      const won = ends.filter((end) => end !== 'FAILED_PRECONDITION/VERSION_MISMATCH');
      expect(won).toEqual([sha256Of(await readFile(path)).toString('hex')]);
    }
    const gone = { sessionId, path: join(folder, 'none'), ifVersion: await version() };
    const failure = await failureOf(files.writeFile(writeRequests(gone, TEXT)));
    expect(failure.summary).toBe('FAILED_PRECONDITION/VERSION_MISMATCH');
  });
});

describe('uploads of a session', () => {
  it('are so many, each for one file, and end when they are told to', async () => {
    const folder = await temporaryFolder();
    const { files, sessionId } = await startHarness();
    const ids = Array.from({ length: MAX_SESSION_UPLOADS }, () => randomUUID());
    const open = (uploadId: string, name = uploadId) => ({
      sessionId,
      path: join(folder, name),
      uploadId,
    });
    const begin = (uploadId: string, name?: string) =>
      failureOf(files.writeFile(writeRequests(open(uploadId, name), TEXT, { finish: false })));
    for (const id of ids) {
      expect((await begin(id)).summary).toBe('FAILED_PRECONDITION/UPLOAD_UNFINISHED');
    }
    const refused = await begin(randomUUID());
    expect(refused).toMatchObject({
      summary: 'RESOURCE_EXHAUSTED/LIMIT_EXCEEDED',
      info: { metadata: { limit: 'max_session_uploads' } },
    });
    const [first = '', second = ''] = ids;
    expect((await begin(first, 'another')).summary).toBe('ALREADY_EXISTS/REQUEST_MISMATCH');
    await files.abortUpload({ sessionId, uploadId: first });
    for (const call of [files.getUpload, files.abortUpload]) {
      const failure = await failureOf(call({ sessionId, uploadId: first }));
      expect(failure.summary).toBe('NOT_FOUND/UPLOAD_NOT_FOUND');
    }
    expect((await begin(randomUUID())).summary).toBe('FAILED_PRECONDITION/UPLOAD_UNFINISHED');
    await files.writeFile(writeRequests(open(second), TEXT));
    await files.abortUpload({ sessionId, uploadId: second });
    expect(await readdir(folder)).toEqual([second]);
  });
});
