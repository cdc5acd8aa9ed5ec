import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { FileFailure } from '../../src/gen/runlet/v1/error_pb.ts';
import type { File, WalkSummary } from '../../src/gen/runlet/v1/file_pb.ts';
import { folderInMemory } from '../support/folder-in-memory.ts';
import { type Harness, startHarness } from '../support/harness.ts';

const MANY = 200_000;

async function walk({ files, sessionId }: Harness, path: string, followSymlinks = false) {
  const found: File[] = [];
  const failures: FileFailure[] = [];
  let summary: WalkSummary | undefined;
  for await (const message of files.walkDirectory({ sessionId, path, followSymlinks })) {
    found.push(...message.files);
    failures.push(...message.failures);
    summary = message.summary;
  }
  return { found, failures, summary };
}

/** Bytes of a file's path, whatever they are. */
function bytesOf({ path, rawPath }: File): string {
  return Buffer.from(rawPath.length > 0 ? rawPath : Buffer.from(path)).toString('latin1');
}

describe('a folder of 200,000 entries', () => {
  it('is listed and walked whole, in memory that does not grow with it', async () => {
    const folder = await folderInMemory();
    for (let count = 0; count < MANY; count++) {
      closeSync(openSync(`${folder}/entry-${count}`, constants.O_CREAT | constants.O_WRONLY));
    }
    const harness = await startHarness();
    const { files, sessionId } = harness;
    const seen = new Uint8Array(MANY);
    let most = 0;
    let told = 0;
    const before = process.memoryUsage().rss;
    for await (const message of files.listDirectory({ sessionId, path: folder })) {
      for (const { path } of message.files) seen[Number(path.slice(path.lastIndexOf('-') + 1))] = 1;
      told += message.files.length;
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect(told).toBe(MANY);
    expect(seen.every((one) => one === 1)).toBe(true);
    let last = '';
    let entries = 0;
    for await (const message of files.walkDirectory({ sessionId, path: folder })) {
      for (const { path } of message.files) {
        if (path <= last) throw new Error(`${path} comes after ${last}`);
        last = path;
      }
      entries += message.files.length;
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect(entries).toBe(MANY);
    // All of them described at once would be some hundred MiB, here and in the thread.
    expect(most).toBeLessThan(256 * 2 ** 20);
  });
});

describe('deep trees', () => {
  it('are walked to the end, and beyond the longest path are told as failures', async () => {
    const folder = await folderInMemory();
    let path = folder;
    for (let depth = 0; depth < 64; depth++) path = join(path, 'level');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'file'), '');
    const harness = await startHarness();
    const { found, summary } = await walk(harness, folder);
    expect(found.at(-1)?.path).toBe(join(path, 'file'));
    expect(summary).toMatchObject({ entries: 65n, truncated: false });
  });

  it('deeper than a path can say are told as failures', async () => {
    const folder = await folderInMemory();
    const own = process.cwd();
    const depth = 100;
    const name = 'n'.repeat(100);
    try {
      process.chdir(folder);
      for (let level = 0; level < depth; level++) {
        mkdirSync(name);
        process.chdir(name);
      }
    } finally {
      process.chdir(own);
    }
    const { failures, found, summary } = await walk(await startHarness(), folder);
    expect(found.length).toBeGreaterThan(30);
    expect(found.length).toBeLessThan(50);
    expect(failures).toMatchObject([{ errnoName: 'ENAMETOOLONG', path: found.at(-1)?.path }]);
    expect(summary).toMatchObject({ truncated: false });
  });

  it('use no more descriptors than flat ones', async () => {
    const folder = await folderInMemory();
    mkdirSync(join(folder, 'd/'.repeat(1500)), { recursive: true });
    const { failures, summary } = await walk(await startHarness(), folder);
    expect(failures).toEqual([]);
    expect(summary).toMatchObject({ entries: 1500n, truncated: false });
  });
});

describe('links', () => {
  it('that lead in circles end', async () => {
    const folder = await folderInMemory();
    for (const name of ['a', 'b', 'c']) {
      mkdirSync(join(folder, name));
      symlinkSync('..', join(folder, name, 'up'));
      for (const other of ['a', 'b', 'c'])
        symlinkSync(`../${other}`, join(folder, name, `to-${other}`));
    }
    symlinkSync('self', join(folder, 'self'));
    const { failures, found } = await walk(await startHarness(), folder, true);
    expect(found).toHaveLength(3 + 3 * 4);
    expect(failures).toMatchObject([{ path: join(folder, 'self'), reason: 'TOO_MANY_SYMLINKS' }]);
  });
});

describe('names', () => {
  it('of all bytes but slash and NUL, and of 255 bytes, are told as they are', async () => {
    const folder = await folderInMemory();
    const names = ['x'.repeat(255), `${'\xff'.repeat(255)}`];
    for (let byte = 1; byte < 256; byte++) {
      if (byte !== 0x2f && byte !== 0x2e) names.push(String.fromCharCode(byte));
    }
    const at = (name: string) => Buffer.from(join(folder, name), 'latin1');
    for (const name of names) writeFileSync(at(name), '');
    const harness = await startHarness();
    const expected = names.map((name) => at(name).toString('latin1')).sort();
    const { files, sessionId } = harness;
    const listed: string[] = [];
    for await (const message of files.listDirectory({ sessionId, path: folder })) {
      listed.push(...message.files.map(bytesOf));
    }
    expect(listed.sort()).toEqual(expected);
    // The order of bytes is that of characters here.
    expect((await walk(harness, folder)).found.map(bytesOf)).toEqual(expected);
  });
});

describe('a walk while folders are swapped', () => {
  it('never leaves the start, and says what it could not enter', async () => {
    const outside = await folderInMemory();
    writeFileSync(join(outside, 'secret'), '');
    const folder = await folderInMemory();
    for (let count = 0; count < 50; count++) {
      mkdirSync(join(folder, `d${count}`));
      writeFileSync(join(folder, `d${count}`, 'file'), '');
    }
    const harness = await startHarness();
    let going = true;
    const swapping = (async () => {
      for (let count = 0; going; count = (count + 1) % 50) {
        const at = join(folder, `d${count}`);
        renameSync(at, `${at}-aside`);
        symlinkSync(outside, at);
        await setImmediate();
        rmSync(at);
        renameSync(`${at}-aside`, at);
      }
    })();
    const reasons = new Set<string>();
    for (let count = 0; count < 100; count++) {
      const { failures, found } = await walk(harness, folder);
      expect(found.filter(({ path }) => path.endsWith('secret'))).toEqual([]);
      for (const { reason } of failures) reasons.add(reason);
    }
    going = false;
    await swapping;
    const known = ['FILE_NOT_FOUND', 'TOO_MANY_SYMLINKS', 'NOT_A_DIRECTORY', 'FILE_CHANGED'];
    expect(known).toEqual(expect.arrayContaining([...reasons]));
  });
});
