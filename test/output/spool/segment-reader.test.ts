import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSegment, readSegmentHeader } from '../../../src/output/spool/segment-reader.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { bytesOf, segmentFiles, spoolFailure, stateFolder, testSpool } from './support.ts';

const HEADERS = [
  { firstSeq: 1, eventCount: 3, before: { stdout: 0, stderr: 0, terminal: 0 } },
  { firstSeq: 4, eventCount: 1, before: { stdout: 2 ** 40 + 1, stderr: 7, terminal: 0 } },
  {
    firstSeq: 5,
    eventCount: 2 ** 20,
    before: { stdout: 2 ** 40 + 1, stderr: 9, terminal: 2 ** 52 },
  },
];
const PAYLOADS = [bytesOf(5000, 1), bytesOf(0, 2), bytesOf(300, 3)];

/** A segment file with three blocks that nobody holds open, and where the blocks begin. */
async function writtenSegment(): Promise<{ path: string; starts: readonly number[] }> {
  const clock = new FakeClock();
  const { spool, folder } = await testSpool({ clock });
  const log = spool.openLog({ processId: 'pröcess' });
  const places = [];
  for (const [i, header] of HEADERS.entries()) {
    places.push(await log.append(header, [PAYLOADS[i] ?? Buffer.alloc(0)]));
  }
  const [written = ''] = await segmentFiles(folder);
  const path = join(await stateFolder(), 'copy.seg');
  await copyFile(written, path);
  const starts: number[] = [];
  let end = log.bytes;
  for (const { bytes } of places.reverse()) {
    end -= bytes;
    starts.unshift(end);
  }
  return { path, starts };
}

async function collect(path: string): Promise<{ seqs: number[]; failure: string | undefined }> {
  const seqs: number[] = [];
  const reading = (async () => {
    for await (const { header } of readSegment(path)) seqs.push(header.firstSeq);
  })();
  const failure = await reading.then(
    () => undefined,
    () => spoolFailure(reading),
  );
  return { seqs, failure };
}

describe('a segment file', () => {
  it('explains itself', async () => {
    const { path } = await writtenSegment();
    expect(await readSegmentHeader(path)).toEqual({
      processId: 'pröcess',
      segment: 0,
      createdMs: new FakeClock().now(),
    });
    const blocks = [];
    for await (const block of readSegment(path)) blocks.push(block);
    expect(blocks.map(({ header }) => header)).toEqual(HEADERS);
    expect(Buffer.concat(blocks.map(({ payload }) => payload))).toEqual(Buffer.concat(PAYLOADS));
  });

  it('has the bytes that docs/spool.md says', async () => {
    const { path, starts } = await writtenSegment();
    const bytes = await readFile(path);
    expect(bytes.toString('latin1', 0, 8)).toBe('RLSPOOL\n');
    expect(bytes.readUInt16LE(8)).toBe(1);
    expect(bytes.readUInt16LE(10)).toBe(Buffer.byteLength('pröcess'));
    expect(bytes.readUInt32LE(12)).toBe(0);
    expect(Number(bytes.readBigUInt64LE(16))).toBe(new FakeClock().now());
    expect(bytes.toString('utf8', 24, 32)).toBe('pröcess');
    expect(starts[0]).toBe(36);
    const block = bytes.subarray(starts[1]);
    expect(block.toString('latin1', 0, 4)).toBe('RLBK');
    expect(block.readUInt32LE(4)).toBe(0);
    expect(block.readUInt32LE(8)).toBe(0);
    expect(block.readUInt32LE(12)).toBe(1);
    expect(Number(block.readBigUInt64LE(16))).toBe(4);
    expect(Number(block.readBigUInt64LE(24))).toBe(2 ** 40 + 1);
    expect(Number(block.readBigUInt64LE(32))).toBe(7);
    expect(Number(block.readBigUInt64LE(40))).toBe(0);
    expect((starts[2] ?? 0) - (starts[1] ?? 0)).toBe(52);
  });

  it('ends cleanly before a last block that was not written in full, wherever it is cut', async () => {
    const { path, starts } = await writtenSegment();
    const bytes = await readFile(path);
    const copy = join(await stateFolder(), 'cut.seg');
    const [one = 0, two = 0, three = 0] = starts;
    const cuts = [0, 1, 23, 24, one - 1, one, one + 1, two - 1, two, two + 51, three, three + 52];
    for (const cut of [...cuts, bytes.byteLength - 1, bytes.byteLength]) {
      await writeFile(copy, bytes);
      await truncate(copy, cut);
      const ends = [two, three, bytes.byteLength].filter((end) => end <= cut).length;
      expect(await collect(copy)).toEqual({ seqs: [1, 4, 5].slice(0, ends), failure: undefined });
      expect((await readSegmentHeader(copy)) === undefined).toBe(cut < one);
    }
  });

  it('is not read beyond a damaged byte, wherever it is', async () => {
    const { path, starts } = await writtenSegment();
    const bytes = await readFile(path);
    const copy = join(await stateFolder(), 'damaged.seg');
    const [one = 0, two = 0, three = 0] = starts;
    const everyHeaderByte = [one, two, three].flatMap((start) =>
      Array.from({ length: 52 }, (_, i) => start + i),
    );
    for (const position of [...everyHeaderByte, one + 52, two - 1, bytes.byteLength - 1]) {
      const damaged = Buffer.from(bytes);
      damaged[position] = (damaged[position] ?? 0) ^ 0x80;
      await writeFile(copy, damaged);
      const before = starts.filter((start) => start <= position).length - 1;
      const expected = { seqs: [1, 4, 5].slice(0, before), failure: 'read/EBADMSG' };
      expect(await collect(copy), `byte ${position}`).toEqual(expected);
    }
  });

  it('is one only with an intact header', async () => {
    const { path, starts } = await writtenSegment();
    const bytes = await readFile(path);
    for (let position = 0; position < (starts[0] ?? 0); position++) {
      // Byte 11 makes the header longer than the file: it looks as if it was cut.
      if (position === 11) continue;
      const damaged = Buffer.from(bytes);
      damaged[position] = (damaged[position] ?? 0) ^ 0x80;
      await writeFile(path, damaged);
      expect(await spoolFailure(readSegmentHeader(path)), `byte ${position}`).toBe('read/EBADMSG');
      expect(await collect(path)).toEqual({ seqs: [], failure: 'read/EBADMSG' });
    }
  });

  it('that is not there is an error', async () => {
    const path = join(await stateFolder(), 'nothing.seg');
    expect(await spoolFailure(readSegmentHeader(path))).toBe('open/ENOENT');
    expect(await collect(path)).toEqual({ seqs: [], failure: 'open/ENOENT' });
  });
});
