import { describe, expect, it } from 'vitest';
import { SPOOL_RETRY_MS, SPOOL_STALL_MS } from '../../src/output/sizes.ts';
import { BLOCK_MEMORY, bench, missing, PIECE } from './store-bench.ts';

describe('files that fail', () => {
  it('are told of once, and again when they work', async () => {
    const { clock, files, log, problems } = await bench(2, 1_000_000);
    files.failNext('create', 'EIO');
    const failing = log('a');
    await files.quiet();
    expect(problems).toEqual(['spool-failed']);
    clock.skip(SPOOL_RETRY_MS);
    failing.appendOutput('stdout', PIECE);
    await files.quiet();
    expect(problems).toEqual(['spool-failed', 'spool-recovered']);
  });

  it('leave memory within its budget', async () => {
    const { files, log, store } = await bench(4, 1_000_000);
    const failing = log('a');
    for (let i = 0; i < 100; i++) {
      files.failNext('write', 'EIO');
      failing.appendOutput('stdout', PIECE);
      await files.quiet();
      expect(store.memory).toBeLessThanOrEqual(4 * BLOCK_MEMORY);
    }
  });

  it('are tried again for a process that waits for them, though nothing happens', async () => {
    const { clock, files, log } = await bench(4, 1_000_000);
    files.failNext('create', 'EIO');
    const paused = log('a', 'pause');
    await files.quiet();
    while (paused.flowing) {
      files.failNext('create', 'EIO');
      paused.appendOutput('stdout', PIECE);
      await files.quiet();
    }
    files.heal();
    clock.advance(SPOOL_RETRY_MS);
    await files.quiet();
    expect(paused.flowing).toBe(true);
    expect(missing(paused)).toBe(0);
  });

  it('are given later what they could not take', async () => {
    const { clock, files, log, store } = await bench(100, 1_000_000, { hotBytes: 0 });
    files.failNext('write', 'EIO');
    const failing = log('a');
    await files.quiet();
    expect(store.memory).toBeGreaterThan(BLOCK_MEMORY);
    clock.skip(SPOOL_RETRY_MS);
    failing.appendOutput('stdout', PIECE);
    await files.quiet();
    // The last block may still be appended to.
    expect(store.memory).toBe(BLOCK_MEMORY);
  });
});

describe('a disk that does not answer', () => {
  it('holds up a process until it is taken for one that failed, and is given no more', async () => {
    const { clock, files, log, store } = await bench(4, 1_000_000, { indexedEvents: 0 });
    files.pause();
    const waiting = log('a');
    while (waiting.flowing) waiting.appendOutput('stdout', PIECE);
    expect(missing(waiting)).toBe(0);
    clock.advance(SPOOL_STALL_MS);
    expect(waiting.flowing).toBe(true);
    const { writing } = store;
    clock.advance(SPOOL_RETRY_MS);
    for (let i = 0; i < 100; i++) waiting.appendOutput('stdout', PIECE);
    expect(waiting.flowing).toBe(true);
    expect(store.writing).toBe(writing);
    expect(store.memory - writing).toBe(4 * BLOCK_MEMORY);
    files.resume();
    await files.quiet();
    expect(store.writing).toBe(0);
    expect(store.maySpill(waiting)).toBe(true);
  });
});
