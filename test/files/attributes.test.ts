import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Agent } from '../../src/files/agent/agent.ts';
import { setAttributes } from '../../src/files/agent/attributes.ts';
import { Places } from '../../src/files/agent/places.ts';
import { failureOf } from '../support/failure.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';

const isRoot = process.geteuid?.() === 0;

async function timeOf(path: string): Promise<bigint> {
  return (await lstat(path, { bigint: true })).mtimeNs;
}

describe('SetFileAttributes', () => {
  it('sets what is named, and nothing else', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'file');
    await writeFile(path, 'content', { mode: 0o644 });
    const before = await lstat(path, { bigint: true });
    const { file } = await files.setFileAttributes({ sessionId, path, mode: 0o4751 });
    expect(file).toMatchObject({ path, mode: 0o4751, size: 7n });
    const after = await lstat(path, { bigint: true });
    expect(after).toMatchObject({ mtimeNs: before.mtimeNs, uid: before.uid, gid: before.gid });
    const nothing = await files.setFileAttributes({ sessionId, path });
    expect(nothing.file).toMatchObject({ mode: 0o4751, version: file?.version });
  });

  it('sets times to the nanosecond, also before 1970', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'file');
    await writeFile(path, '');
    const read = (await lstat(path, { bigint: true })).atimeNs;
    const times = [
      [1_700_000_000n, 123_456_789],
      [0n, 0],
      [0n, 1],
      [-1n, 999_999_999],
      [-86_400n, 1],
    ] as const;
    for (const [seconds, nanos] of times) {
      const modifyTime = { seconds, nanos };
      const { file } = await files.setFileAttributes({ sessionId, path, modifyTime });
      expect(file?.modifyTime).toMatchObject({ seconds, nanos });
      expect(await timeOf(path)).toBe(seconds * 1_000_000_000n + BigInt(nanos));
    }
    expect((await lstat(path, { bigint: true })).atimeNs).toBe(read);
  });

  it('follows a link, or changes it itself', async () => {
    const { files, folder, sessionId } = await startHarness();
    const [path, link] = [join(folder, 'file'), join(folder, 'link')];
    await writeFile(path, '');
    await symlink('file', link);
    const [first, second] = [5n, 6n].map((seconds) => ({ seconds, nanos: 0 }));
    await files.setFileAttributes({ sessionId, path: link, mode: 0o600, modifyTime: first });
    const own = { sessionId, path: link, noFollow: true };
    const { file } = await files.setFileAttributes({ ...own, modifyTime: second });
    expect(file).toMatchObject({ linkTarget: 'file', modifyTime: second });
    expect([await timeOf(path), await timeOf(link)]).toEqual([5_000_000_000n, 6_000_000_000n]);
    const { summary } = await failureOf(files.setFileAttributes({ ...own, mode: 0o600 }));
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
    // With what is no link it makes no difference.
    await files.setFileAttributes({ ...own, path, mode: 0o640 });
    expect((await lstat(path)).mode & 0o7777).toBe(0o640);
  });

  it.runIf(isRoot)('sets owners, of links too, and then the mode that they took away', async () => {
    const { files, folder, sessionId } = await startHarness();
    const [path, link] = [join(folder, 'file'), join(folder, 'link')];
    await writeFile(path, '');
    await symlink('file', link);
    const owners = { uid: 1234, gid: 2345 };
    const both = { sessionId, path, ...owners, mode: 0o6755 };
    expect((await files.setFileAttributes(both)).file).toMatchObject({ ...owners, mode: 0o6755 });
    await files.setFileAttributes({ sessionId, path: link, noFollow: true, uid: 99 });
    expect(await lstat(link)).toMatchObject({ uid: 99, gid: 0 });
    expect(await lstat(path)).toMatchObject(owners);
  });

  it.skipIf(isRoot)('says what the system does not allow', async () => {
    const { files, sessionId } = await startHarness();
    const call = files.setFileAttributes({ sessionId, path: '/etc/passwd', mode: 0o777 });
    const { fileFailure, summary } = await failureOf(call);
    expect(summary).toBe('PERMISSION_DENIED/FILE_ACCESS_DENIED');
    expect(fileFailure).toMatchObject({ operation: 'chmod', errnoName: 'EPERM' });
  });

  it('opens nothing: a FIFO that nobody writes to is no trouble', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'fifo');
    execFileSync('mkfifo', [path]);
    const modifyTime = { seconds: 7n, nanos: 0 };
    const { file } = await files.setFileAttributes({ sessionId, path, mode: 0o600, modifyTime });
    expect(file).toMatchObject({ mode: 0o600, modifyTime });
  });

  it('refuses what cannot be', async () => {
    const { files, folder, sessionId } = await startHarness();
    const wrong = [
      ['mode', { mode: 0o10000 }],
      ['uid', { uid: 0xffff_ffff }],
      ['gid', { gid: 0xffff_ffff }],
      ['modify_time.nanos', { modifyTime: { seconds: 0n, nanos: -1 } }],
      ['modify_time.nanos', { modifyTime: { seconds: 0n, nanos: 1_000_000_000 } }],
      ['modify_time.seconds', { modifyTime: { seconds: 1n << 62n, nanos: 0 } }],
    ] as const;
    for (const [field, change] of wrong) {
      const call = files.setFileAttributes({ sessionId, path: folder, ...change });
      const { badRequest, summary } = await failureOf(call);
      expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
      expect(badRequest?.fieldViolations).toMatchObject([{ field }]);
    }
  });

  it('has folders whose mode lets nobody in', async () => {
    const { files, folder, sessionId } = await startHarness();
    const path = join(folder, 'below');
    await mkdir(path);
    await files.setFileAttributes({ sessionId, path, mode: 0 });
    const { file } = await files.setFileAttributes({ sessionId, path, mode: 0o755 });
    expect(file).toMatchObject({ mode: 0o755 });
    await chmod(path, 0o700);
  });
});

describe('attributes without utimensat(2)', () => {
  it('are as exact as Node.js has times', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    await writeFile(path, '');
    const places = new Places([]);
    Object.defineProperty(places, 'native', { value: undefined });
    const agent = new Agent({ roots: [] }, places);
    const rest = { follow: true, mode: undefined, uid: undefined, gid: undefined };
    setAttributes(agent, { path, modifyNs: 1_700_000_000_500_000_000n, ...rest });
    expect(await timeOf(path)).toBe(1_700_000_000_500_000_000n);
    setAttributes(agent, { path, modifyNs: -1_500_000_000n, ...rest });
    expect(await timeOf(path)).toBe(-1_500_000_000n);
  });
});
