import { open, rm, stat } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SPOOL_CLOSE_MS } from '../../../src/output/sizes.ts';
import { readSegment } from '../../../src/output/spool/segment-reader.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FaultyFiles } from './faulty-files.ts';
import {
  blockHeader,
  bytesOf,
  openSegments,
  runFolders,
  segmentFiles,
  spoolFailure,
  testSpool,
} from './support.ts';

const payload = [bytesOf(5000, 1), bytesOf(20, 2), bytesOf(5000, 3)];
const whole = Buffer.concat(payload);

describe('a file that takes and gives a few bytes at a time', () => {
  it('holds the same', async () => {
    const files = new FaultyFiles();
    const { spool } = await testSpool({ files });
    const log = spool.openLog({ processId: 'p' });
    files.chunkBytes = 7;
    const place = await log.append(blockHeader(1), payload);
    expect((await log.read(place)).equals(whole)).toBe(true);
  });
});

describe('a write that fails', () => {
  for (const bytesBefore of [0, 1, 40, 6000]) {
    it(`after ${bytesBefore} bytes rejects that block alone`, async () => {
      const files = new FaultyFiles();
      const { spool, folder } = await testSpool({ files });
      const log = spool.openLog({ processId: 'p' });
      const first = await log.append(blockHeader(1), payload);
      const before = spool.bytes;
      files.failNext('write', 'ENOSPC', bytesBefore);
      const failing = log.append(blockHeader(2), payload);
      // Smaller than what was written of the other, so that the rest of that would show.
      const later = log.append(blockHeader(3), [bytesOf(10, 4)]);
      expect(await spoolFailure(failing)).toBe('write/ENOSPC');
      expect((await log.read(first)).equals(whole)).toBe(true);
      expect((await log.read(await later)).equals(bytesOf(10, 4))).toBe(true);
      const [path = ''] = await segmentFiles(folder);
      expect(spool.bytes).toBe(before + (await later).bytes);
      expect((await stat(path)).size).toBe(spool.bytes);
      const seqs = [];
      for await (const { header } of readSegment(path)) seqs.push(header.firstSeq);
      expect(seqs).toEqual([1, 3]);
    });
  }

  it('leaves no file where it was the first block', async () => {
    const files = new FaultyFiles();
    const { spool, folder } = await testSpool({ files });
    const log = spool.openLog({ processId: 'p' });
    files.failNext('write', 'EIO', 100);
    expect(await spoolFailure(log.append(blockHeader(1), payload))).toBe('write/EIO');
    await files.quiet();
    expect(await segmentFiles(folder)).toEqual([]);
    expect(await openSegments(folder)).toEqual([]);
    expect(spool.bytes).toBe(0);
    const place = await log.append(blockHeader(2), payload);
    expect((await log.read(place)).equals(whole)).toBe(true);
  });

  it('lets a new file begin if what was half written cannot be taken away', async () => {
    const files = new FaultyFiles();
    const { spool, folder } = await testSpool({ files });
    const log = spool.openLog({ processId: 'p' });
    const first = await log.append(blockHeader(1), payload);
    files.failNext('write', 'EIO', 6000);
    files.failNext('truncate', 'EIO');
    expect(await spoolFailure(log.append(blockHeader(2), payload))).toBe('write/EIO');
    const third = await log.append(blockHeader(3), [bytesOf(10, 4)]);
    expect((await log.read(first)).equals(whole)).toBe(true);
    expect((await log.read(third)).equals(bytesOf(10, 4))).toBe(true);
    const seqs = [];
    for (const path of await segmentFiles(folder)) {
      for await (const { header } of readSegment(path)) seqs.push(header.firstSeq);
    }
    expect(seqs).toEqual([1, 3]);
  });
});

describe('a file that cannot be made', () => {
  it('rejects the block, and a later one tries again', async () => {
    const files = new FaultyFiles();
    const { spool } = await testSpool({ files });
    const log = spool.openLog({ processId: 'p' });
    files.failNext('create', 'EMFILE');
    expect(await spoolFailure(log.append(blockHeader(1), payload))).toBe('open/EMFILE');
    const place = await log.append(blockHeader(2), payload);
    expect((await log.read(place)).equals(whole)).toBe(true);
  });
});

describe('a folder that is removed under the server', () => {
  it('costs nothing: what is open is read on, and new files get a new folder', async () => {
    const { spool, folder } = await testSpool({ segmentBytes: 15_000 });
    const logs = ['p', 'q', 'r'].map((processId) => spool.openLog({ processId }));
    const before = await Promise.all(logs.map((log) => log.append(blockHeader(1), payload)));
    const [run = ''] = await runFolders(folder);
    await rm(folder, { recursive: true });
    const after = await Promise.all(logs.map((log) => log.append(blockHeader(2), payload)));
    for (const [i, log] of logs.entries()) {
      for (const place of [before[i], after[i]]) {
        if (place === undefined) throw new Error('no place');
        expect((await log.read(place)).equals(whole)).toBe(true);
      }
    }
    expect(await runFolders(folder)).toEqual([run]);
    expect((await stat(`${run}/owner`)).mode & 0o777).toBe(0o600);
    await spool.close();
    expect(await openSegments(folder)).toEqual([]);
  });

  it('rejects a block while it cannot be made again', async () => {
    const { spool, folder } = await testSpool();
    const log = spool.openLog({ processId: 'p' });
    await rm(folder, { recursive: true });
    const file = await open(folder, 'w');
    await file.close();
    expect(await spoolFailure(log.append(blockHeader(1), payload))).toBe('open/ENOTDIR');
    await rm(folder);
    const place = await log.append(blockHeader(2), payload);
    expect((await log.read(place)).equals(whole)).toBe(true);
  });
});

describe('a read that fails', () => {
  it('rejects, and may succeed later', async () => {
    const files = new FaultyFiles();
    const { spool } = await testSpool({ files });
    const log = spool.openLog({ processId: 'p' });
    const place = await log.append(blockHeader(1), payload);
    files.failNext('read', 'EIO', 100);
    expect(await spoolFailure(log.read(place))).toBe('read/EIO');
    expect((await log.read(place)).equals(whole)).toBe(true);
  });

  it('is one of a block that was damaged, wherever', async () => {
    const { spool, folder } = await testSpool();
    const log = spool.openLog({ processId: 'p' });
    const place = await log.append(blockHeader(1), payload);
    const [path = ''] = await segmentFiles(folder);
    const { size } = await stat(path);
    const start = size - place.bytes;
    for (const position of [start, start + 4, start + 20, start + 51, start + 52, size - 1]) {
      await flipByte(path, position);
      expect(await spoolFailure(log.read(place))).toBe('read/EBADMSG');
      await flipByte(path, position);
    }
    expect((await log.read(place)).equals(whole)).toBe(true);
  });

  it('is one of a file that was cut', async () => {
    const { spool, folder } = await testSpool();
    const log = spool.openLog({ processId: 'p' });
    const place = await log.append(blockHeader(1), payload);
    const [path = ''] = await segmentFiles(folder);
    const file = await open(path, 'r+');
    await file.truncate((await stat(path)).size - 1);
    await file.close();
    expect(await spoolFailure(log.read(place))).toBe('read/EBADMSG');
  });
});

describe('a file that cannot be removed', () => {
  it('is told of, and is closed all the same', async () => {
    const files = new FaultyFiles();
    const problems: unknown[] = [];
    const { spool, folder } = await testSpool({ files, onProblem: (it) => problems.push(it) });
    const log = spool.openLog({ processId: 'p' });
    const place = await log.append(blockHeader(1), payload);
    files.failNext('remove', 'EACCES');
    files.failNext('close', 'EIO');
    log.release(place);
    await files.quiet();
    expect(problems).toHaveLength(2);
    expect(await openSegments(folder)).toEqual([]);
    await spool.close();
    expect(await runFolders(folder)).toEqual([]);
  });
});

async function flipByte(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
    await file.write(Buffer.from([buffer.readUInt8(0) ^ 0x10]), 0, 1, position);
  } finally {
    await file.close();
  }
}

describe('closing a spool whose disk does not answer', () => {
  it('is over after a while, and says what it leaves behind', async () => {
    const files = new FaultyFiles();
    const clock = new FakeClock();
    const problems: unknown[] = [];
    const onProblem = (problem: unknown): void => void problems.push(problem);
    const { spool, folder } = await testSpool({ files, clock, onProblem });
    files.pause();
    const append = spool.openLog({ processId: 'p' }).append(blockHeader(1), payload);
    await files.busy('writes', 1);
    const closed = spool.close();
    clock.advance(SPOOL_CLOSE_MS);
    await closed;
    expect(String(problems)).toContain((await runFolders(folder))[0]);
    files.resume();
    await append;
    // What is done late is done nevertheless.
    while ((await runFolders(folder)).length > 0) await turn();
  });
});
