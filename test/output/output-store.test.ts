import { describe, expect, it } from 'vitest';
import type { EventLog } from '../../src/output/event-log.ts';
import { BLOCK_MEMORY, BLOCKS, bench, close, FILE_BYTES, missing, PIECE } from './store-bench.ts';

async function readAll(log: EventLog): Promise<void> {
  const cursor = log.openCursor(0);
  while (cursor.nextSeq <= log.lastSeq) await cursor.read(1000);
  cursor.close();
}

describe('memory that is full', () => {
  it('loses what closed processes had, in the order in which they were closed, then those who have most', async () => {
    const { fill, log } = await bench(16);
    const [, second, third, last] = ['a', 'b', 'c', 'd'].map((name) => log(name));
    if (second === undefined || third === undefined || last === undefined) throw new Error();
    close(third);
    close(second);
    expect(await fill(last)).toEqual(['c', 'c', 'b', 'b', 'd']);
  });

  it('spares what a reader of a process that pauses has still to read', async () => {
    const { fill, log } = await bench(4 * BLOCKS);
    const paused = log('paused', 'pause');
    paused.openCursor(0);
    const old = log('old');
    expect(await fill(log('new'))).toEqual(['new']);
    expect(missing(paused)).toBe(0);
    expect(missing(old)).toBe(0);
  });

  it('spares it when that process is closed, too, until it was read', async () => {
    const { fill, log } = await bench(4 * BLOCKS);
    const paused = log('paused', 'pause');
    const cursor = paused.openCursor(0);
    close(paused);
    log('old');
    const last = log('new');
    expect(await fill(last)).toEqual(['new']);
    cursor.close();
    for (let i = 0; i < BLOCKS; i++) last.appendOutput('stdout', PIECE);
    expect(missing(paused)).toBeGreaterThan(0);
  });

  it('takes what was spared once it is read, where that is what most is taken by', async () => {
    const { fill, log } = await bench(4 * BLOCKS);
    const paused = log('paused', 'pause');
    const cursor = paused.openCursor(0);
    for (let i = 0; i < BLOCKS; i++) paused.appendOutput('stdout', PIECE);
    const other = log('other');
    const last = log('new');
    expect(await fill(last)).toEqual(['new']);
    expect(missing(paused)).toBe(0);
    while (cursor.nextSeq <= paused.lastSeq) await cursor.read(1000);
    last.appendOutput('stdout', PIECE);
    last.appendOutput('stdout', PIECE);
    expect(missing(paused)).toBe(PIECE.byteLength);
    expect(missing(other)).toBe(0);
  });

  it('pauses a process whose reader needs what it is full of, until that was read', async () => {
    const { log } = await bench(2 * BLOCKS);
    const paused = log('paused', 'pause');
    const cursor = paused.openCursor(0);
    while (paused.flowing) paused.appendOutput('stdout', PIECE);
    expect(missing(paused)).toBe(0);
    while (cursor.nextSeq <= paused.lastSeq) await cursor.read(1000);
    expect(paused.flowing).toBe(true);
  });

  it('pauses no process whose readers have had all, whoever needs what it is full of', async () => {
    const { log, store } = await bench(2 * BLOCKS);
    const greedy = log('greedy', 'pause');
    greedy.openCursor(0);
    while (greedy.flowing) greedy.appendOutput('stdout', PIECE);
    const other = log('other', 'pause');
    await readAll(other);
    const cursor = other.openCursor(other.lastSeq);
    expect(other.flowing).toBe(true);
    for (let i = 0; i < 100; i++) {
      other.appendOutput('stdout', PIECE);
      await cursor.read(1000);
      expect(other.flowing).toBe(true);
    }
    expect(store.memory).toBeLessThanOrEqual((2 * BLOCKS + 2) * BLOCK_MEMORY);
  });

  it('lets a process go on that nobody will read any more', async () => {
    const { log } = await bench(2 * BLOCKS);
    const paused = log('paused', 'pause');
    while (paused.flowing) paused.appendOutput('stdout', PIECE);
    paused.abandon();
    expect(paused.flowing).toBe(true);
  });
});

describe('files that are full', () => {
  it('lose what closed processes had, in the order in which they were closed, then those who have most', async () => {
    const { files, fill, log } = await bench(1, 4 * BLOCKS * FILE_BYTES);
    const logs = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      logs.push(log(name));
      await files.quiet();
    }
    const [, second, third, last] = logs;
    if (second === undefined || third === undefined || last === undefined) throw new Error();
    close(third);
    close(second);
    expect(await fill(last)).toEqual(['c', 'c', 'b', 'b', 'd']);
  });

  it('spare what a reader of a process that pauses has still to read', async () => {
    const { files, fill, log } = await bench(1, 3 * BLOCKS * FILE_BYTES);
    const paused = log('paused', 'pause');
    await files.quiet();
    paused.openCursor(0);
    const old = log('old');
    await files.quiet();
    expect(await fill(log('new'))).toEqual(['new']);
    expect(missing(paused)).toBe(0);
    expect(missing(old)).toBe(0);
  });

  it('pause a process whose reader needs what they are full of, until that was read', async () => {
    const { files, log, store } = await bench(2, 2 * BLOCKS * FILE_BYTES);
    const paused = log('paused', 'pause');
    const cursor = paused.openCursor(0);
    await files.quiet();
    while (paused.flowing) {
      paused.appendOutput('stdout', PIECE);
      await files.quiet();
    }
    expect(missing(paused)).toBe(0);
    expect(store.disk).toBeGreaterThan(BLOCKS * FILE_BYTES);
    while (cursor.nextSeq <= paused.lastSeq) await cursor.read(1000);
    expect(paused.flowing).toBe(true);
    expect(store.maySpill(paused)).toBe(true);
  });

  it('lose what closed processes had first, though others have more', async () => {
    const { files, fill, log } = await bench(100, 4 * FILE_BYTES, { hotBytes: 0 });
    log('a');
    await files.quiet();
    files.failNext('write', 'EIO');
    const failing = log('b');
    await files.quiet();
    close(failing);
    const last = log('c');
    await files.quiet();
    expect(await fill(last)).toEqual(['b', 'c']);
  });
});
