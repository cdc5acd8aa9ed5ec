import { readdir, stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { FaultyFiles } from './faulty-files.ts';
import {
  blockHeader,
  bytesOf,
  openDescriptors,
  openSegments,
  runFolders,
  segmentFiles,
  spoolFailure,
  testSpool,
} from './support.ts';

describe('a log in files', () => {
  it('gives back what was appended, in whatever pieces', async () => {
    const { spool } = await testSpool();
    const log = spool.openLog({ processId: 'p' });
    const payloads = [
      [bytesOf(70_000, 1)],
      [],
      [bytesOf(20, 2), bytesOf(0, 0), bytesOf(30, 3)],
      [bytesOf(30, 4), bytesOf(65_536, 5), bytesOf(31, 6), bytesOf(65_536, 7), bytesOf(9, 8)],
      Array.from({ length: 5000 }, (_, i) => bytesOf(20, i)),
    ];
    const places = await Promise.all(
      payloads.map((payload, i) => log.append(blockHeader(i + 1), payload)),
    );
    for (const [i, place] of places.entries()) {
      const expected = Buffer.concat(payloads[i] ?? []);
      expect((await log.read(place)).equals(expected)).toBe(true);
      expect(place.bytes).toBe(expected.byteLength + 52);
    }
  });

  it('makes no file before the first block', async () => {
    const { spool, folder } = await testSpool();
    const log = spool.openLog({ processId: 'p' });
    expect(await segmentFiles(folder)).toEqual([]);
    expect(log.bytes).toBe(0);
    await log.append(blockHeader(1), [bytesOf(10, 1)]);
    expect(await segmentFiles(folder)).toHaveLength(1);
  });

  it('is private: folder 0700, files 0600', async () => {
    const { spool, folder } = await testSpool();
    await spool.openLog({ processId: 'p' }).append(blockHeader(1), [bytesOf(10, 1)]);
    const [run = ''] = await runFolders(folder);
    expect((await stat(run)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(run)) {
      expect((await stat(`${run}/${name}`)).mode & 0o777).toBe(0o600);
    }
  });

  it('begins a new file rather than exceed the size of one', async () => {
    const { spool, folder } = await testSpool({ segmentBytes: 1000 });
    const log = spool.openLog({ processId: 'p' });
    for (let i = 1; i <= 4; i++) await log.append(blockHeader(i), [bytesOf(400, i)]);
    const place = await log.append(blockHeader(5), [bytesOf(3000, 5)]);
    const files = await segmentFiles(folder);
    expect(files.map((path) => path.replace(/.*\//, ''))).toEqual([
      '0-0.seg',
      '0-1.seg',
      '0-2.seg',
    ]);
    expect((await log.read(place)).equals(bytesOf(3000, 5))).toBe(true);
  });

  it('counts the bytes of its files, and the spool those of all logs', async () => {
    const { spool, folder } = await testSpool({ segmentBytes: 1000 });
    const logs = [spool.openLog({ processId: 'one' }), spool.openLog({ processId: 'two' })];
    for (const log of logs) {
      for (let i = 1; i <= 4; i++) await log.append(blockHeader(i), [bytesOf(400, i)]);
    }
    const sizes = await Promise.all((await segmentFiles(folder)).map((path) => stat(path)));
    const onDisk = sizes.reduce((sum, { size }) => sum + size, 0);
    expect(spool.bytes).toBe(onDisk);
    expect(logs.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(onDisk);
  });

  it('appends in the order of the calls', async () => {
    const files = new FaultyFiles();
    const { spool } = await testSpool({ files });
    const log = spool.openLog({ processId: 'p' });
    files.chunkBytes = 100;
    const done: number[] = [];
    await Promise.all(
      [900, 10, 500, 1].map(async (length, i) => {
        await log.append(blockHeader(i + 1), [bytesOf(length, i)]);
        done.push(i);
      }),
    );
    expect(done).toEqual([0, 1, 2, 3]);
  });
});

describe('a released block', () => {
  it('takes its file along when it was the last one needed there', async () => {
    const files = new FaultyFiles();
    const { spool, folder } = await testSpool({ files, segmentBytes: 1000 });
    const log = spool.openLog({ processId: 'p' });
    const places = [];
    for (let i = 1; i <= 4; i++) places.push(await log.append(blockHeader(i), [bytesOf(400, i)]));
    const [one, two, three, four] = places;
    if (!one || !two || !three || !four) throw new Error('no places');
    const all = spool.bytes;
    log.release(two);
    expect(spool.bytes).toBe(all);
    log.release(one);
    expect(spool.bytes).toBe(all / 2);
    await files.quiet();
    expect(await segmentFiles(folder)).toHaveLength(1);
    expect(await openSegments(folder)).toHaveLength(process.platform === 'linux' ? 1 : 0);
    expect((await log.read(three)).equals(bytesOf(400, 3))).toBe(true);
  });

  it('counts once, however often it is released', async () => {
    const { spool } = await testSpool();
    const log = spool.openLog({ processId: 'p' });
    const place = await log.append(blockHeader(1), [bytesOf(400, 1)]);
    const other = await log.append(blockHeader(2), [bytesOf(400, 2)]);
    log.release(place);
    log.release(place);
    expect(log.bytes).toBeGreaterThan(place.bytes + other.bytes);
    expect((await log.read(other)).equals(bytesOf(400, 2))).toBe(true);
  });

  it('takes along the file that is being written, and appending goes on in another', async () => {
    const files = new FaultyFiles();
    const { spool, folder } = await testSpool({ files });
    const log = spool.openLog({ processId: 'p' });
    log.release(await log.append(blockHeader(1), [bytesOf(400, 1)]));
    expect(spool.bytes).toBe(0);
    await files.quiet();
    expect(await segmentFiles(folder)).toEqual([]);
    const place = await log.append(blockHeader(2), [bytesOf(400, 2)]);
    expect((await log.read(place)).equals(bytesOf(400, 2))).toBe(true);
  });

  it('leaves alone a file that an append goes to at that moment', async () => {
    const files = new FaultyFiles();
    const { spool } = await testSpool({ files });
    const log = spool.openLog({ processId: 'p' });
    const first = await log.append(blockHeader(1), [bytesOf(400, 1)]);
    files.pause();
    const appending = log.append(blockHeader(2), [bytesOf(400, 2)]);
    await files.busy('writes', 1);
    log.release(first);
    files.resume();
    expect((await log.read(await appending)).equals(bytesOf(400, 2))).toBe(true);
  });

  it('can be read by who began before, and by nobody after', async () => {
    const files = new FaultyFiles();
    const { spool, folder } = await testSpool({ files });
    const log = spool.openLog({ processId: 'p' });
    const place = await log.append(blockHeader(1), [bytesOf(400, 1)]);
    files.pause();
    // Two are under way, the third waits for its turn.
    const reads = [log.read(place), log.read(place), log.read(place)];
    await files.busy('reads', 2);
    log.release(place);
    files.resume();
    for (const read of reads) expect((await read).equals(bytesOf(400, 1))).toBe(true);
    expect(await spoolFailure(log.read(place))).toBe('read/ECANCELED');
    await files.quiet();
    expect(await openSegments(folder)).toEqual([]);
  });
});

describe('a log that is closed', () => {
  it('removes its files and leaves those of others', async () => {
    const files = new FaultyFiles();
    const { spool, folder } = await testSpool({ files });
    const [log, other] = [spool.openLog({ processId: 'p' }), spool.openLog({ processId: 'q' })];
    const place = await log.append(blockHeader(1), [bytesOf(400, 1)]);
    const kept = await other.append(blockHeader(1), [bytesOf(400, 2)]);
    log.close();
    log.close();
    expect(log.bytes).toBe(0);
    expect(spool.bytes).toBe(other.bytes);
    expect(await spoolFailure(log.read(place))).toBe('read/ECANCELED');
    expect(await spoolFailure(log.append(blockHeader(2), []))).toBe('write/ECANCELED');
    await files.quiet();
    expect(await segmentFiles(folder)).toHaveLength(1);
    expect((await other.read(kept)).equals(bytesOf(400, 2))).toBe(true);
  });

  it('lets what is under way end, and rejects what waits', async () => {
    const files = new FaultyFiles();
    const { spool, folder } = await testSpool({ files });
    const log = spool.openLog({ processId: 'p' });
    const place = await log.append(blockHeader(1), [bytesOf(400, 1)]);
    files.pause();
    const appends = [2, 3].map((seq) => log.append(blockHeader(seq), [bytesOf(400, seq)]));
    const reads = [log.read(place), log.read(place), log.read(place)];
    await Promise.all([files.busy('writes', 1), files.busy('reads', 2)]);
    log.close();
    files.resume();
    const outcomes = await Promise.allSettled([...appends, ...reads]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
    await files.quiet();
    expect(await segmentFiles(folder)).toEqual([]);
    expect(await openSegments(folder)).toEqual([]);
    expect(spool.bytes).toBe(0);
  });
});

describe('a spool that is closed', () => {
  it('leaves no file, no folder and no descriptor, whatever was under way', async () => {
    const files = new FaultyFiles();
    const { spool, folder } = await testSpool({ files });
    const logs = ['a', 'b', 'c'].map((processId) => spool.openLog({ processId }));
    const appends = logs.map((log) => log.append(blockHeader(1), [bytesOf(4000, 1)]));
    await appends[0];
    files.pause();
    logs[0]?.close();
    const closing = Promise.all([spool.close(), spool.close()]);
    files.resume();
    await closing;
    await Promise.allSettled(appends);
    expect(await readdir(folder)).toEqual([]);
    expect(await openDescriptors(folder)).toEqual([]);
    expect(spool.bytes).toBe(0);
    const late = spool.openLog({ processId: 'late' }).append(blockHeader(1), []);
    expect(await spoolFailure(late)).toBe('write/ECANCELED');
  });

  it('has run no more than two writes and two reads at one time', async () => {
    const files = new FaultyFiles();
    const { spool } = await testSpool({ files, segmentBytes: 1000 });
    const logs = Array.from({ length: 8 }, (_, i) => spool.openLog({ processId: String(i) }));
    files.pause();
    const appends = logs.flatMap((log) =>
      [1, 2, 3].map((seq) => log.append(blockHeader(seq), [bytesOf(600, seq)])),
    );
    await files.busy('writes', 2);
    files.resume();
    const places = await Promise.all(appends);
    files.pause();
    const reads = places.map((place, i) => logs[Math.floor(i / 3)]?.read(place));
    await files.busy('reads', 2);
    files.resume();
    await Promise.all(reads);
    await spool.close();
    expect(files.peak).toEqual({ reads: 2, writes: 2 });
  });
});
