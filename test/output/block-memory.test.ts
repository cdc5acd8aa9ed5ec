import { describe, expect, it } from 'vitest';
import { BlockMemory } from '../../src/output/block-memory.ts';
import { EventLog } from '../../src/output/event-log.ts';
import { OutputStore } from '../../src/output/output-store.ts';
import { BLOCK_BYTES, SPARE_BLOCKS } from '../../src/output/sizes.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('the memory of a block', () => {
  it('is used again once it was given back', () => {
    const memory = new BlockMemory(BLOCK_BYTES);
    memory.free();
    expect(new BlockMemory(BLOCK_BYTES).buffer).toBe(memory.buffer);
  });

  it('is left alone while somebody holds it', () => {
    const memory = new BlockMemory(BLOCK_BYTES).hold();
    memory.free();
    expect(new BlockMemory(BLOCK_BYTES).buffer).not.toBe(memory.buffer);
    memory.release();
    expect(new BlockMemory(BLOCK_BYTES).buffer).toBe(memory.buffer);
  });

  it('is kept for later only up to a bound', () => {
    const many = Array.from({ length: 2 * SPARE_BLOCKS }, () => new BlockMemory(BLOCK_BYTES));
    for (const memory of many) memory.free();
    const given = new Set(many.map(({ buffer }) => buffer));
    const again = many.filter(() => given.has(new BlockMemory(BLOCK_BYTES).buffer));
    expect(again).toHaveLength(SPARE_BLOCKS);
  });
});

describe('a batch', () => {
  it('stays as it was until the next read, though all of it is dropped', () => {
    const store = new OutputStore({
      clock: new FakeClock(),
      memoryBytes: 64 * BLOCK_BYTES,
      diskBytes: 0,
      spool: undefined,
    });
    const retainedBytes = 8 * BLOCK_BYTES;
    const log = new EventLog({ name: 'p', store, retainedBytes, overflow: 'drop-oldest' });
    const print = (letter: string): void => {
      for (let i = 0; i < 64; i++) log.appendOutput('stdout', Buffer.alloc(BLOCK_BYTES, letter));
    };
    print('a');
    const cursor = log.openCursor(0);
    // Past the gap, to a block of its own.
    let batch = cursor.read(BLOCK_BYTES);
    batch = cursor.read(BLOCK_BYTES);
    if (batch === undefined || batch instanceof Promise) throw new Error('nothing was read');
    const before = Buffer.concat(batch.pieces);
    print('b');
    expect(Buffer.concat(batch.pieces).equals(before)).toBe(true);
    cursor.close();
    print('c');
    expect(Buffer.concat(batch.pieces).equals(before)).toBe(false);
  });
});
