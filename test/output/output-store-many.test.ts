import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { EventLog } from '../../src/output/event-log.ts';
import { OutputStore, type StoredLog } from '../../src/output/output-store.ts';
import { WOKEN_AT_ONCE } from '../../src/output/sizes.ts';
import type { Standing } from '../../src/output/store-ledger.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { testSpool } from './spool/support.ts';

const LOGS = 10_000;
const MIB = 1024 * 1024;

/** A log that counts how often it was asked or told something. */
class CountedLog implements StoredLog {
  readonly owner = 'one';
  calls = 0;
  told = 0;
  memory = 100;
  readonly keeps: boolean;

  constructor(keeps: boolean) {
    this.keeps = keeps;
  }

  standing(): Standing {
    this.calls += 1;
    return {
      memory: this.memory,
      writing: 0,
      stalled: 0,
      disk: 0,
      index: 0,
      forgettable: 0,
      oldestBlock: this.keeps ? 'needed' : 'free',
      oldestFile: 'none',
      keeps: this.keeps,
      over: false,
      restsUntil: 0,
    };
  }

  relieve(): void {
    this.calls += 1;
    this.memory -= 100;
  }

  pressureChanged(): void {
    this.told += 1;
  }
}

function storeOf(memoryBytes: number): OutputStore {
  return new OutputStore({ clock: new FakeClock(), memoryBytes, diskBytes: 0, spool: undefined });
}

describe('thousands of logs that wait', () => {
  it('are not looked at when another gives what is beyond the budget', () => {
    const store = storeOf(100 * LOGS);
    const waiting = Array.from({ length: LOGS }, () => new CountedLog(true));
    for (const log of waiting) store.changed(log);
    for (const log of waiting) expect(store.pressureFor(log)).toBe('full');
    const other = new CountedLog(false);
    store.changed(other);
    expect(other.memory).toBe(0);
    expect(other.calls).toBe(3);
    for (const log of waiting) expect(log.calls).toBe(1);
  });

  it('are told some at a time that there is room, and all in the end', async () => {
    const store = storeOf(100 * LOGS);
    const waiting = Array.from({ length: LOGS }, () => new CountedLog(true));
    for (const log of waiting) store.changed(log);
    for (const log of waiting) store.pressureFor(log);
    const told = (): number => waiting.reduce((sum, log) => sum + log.told, 0);
    let gone = 0;
    while (store.pressureFor(new CountedLog(true)) !== 'none') {
      const log = waiting[gone++];
      if (log === undefined) throw new Error('it is full for ever');
      log.memory = 0;
      store.changed(log);
    }
    expect(told()).toBe(WOKEN_AT_ONCE);
    for (let before = -1; told() > before; await turn()) before = told();
    expect(told()).toBeGreaterThanOrEqual(LOGS);
  });
});

describe('files of many logs that are full', () => {
  it('lose one file more than was needed at most', async () => {
    const LINE = Buffer.alloc(1000, 'x');
    const diskBytes = 256 * 1024;
    const segmentBytes = diskBytes / 4;
    const { spool } = await testSpool({ segmentBytes });
    const store = new OutputStore({
      clock: new FakeClock(),
      memoryBytes: MIB,
      diskBytes,
      spool,
      sizes: { blockBytes: 1100, hotBytes: 0, recordBytes: 0 },
    });
    const options = { store, retainedBytes: MIB, overflow: 'drop-oldest' } as const;
    const logs = Array.from({ length: 16 }, (_, i) => new EventLog({ ...options, name: `p${i}` }));
    const kept = (): number => logs.reduce((sum, log) => sum + log.outputBytes, 0);
    const written = (): number => logs.reduce((sum, log) => sum + log.totals.stdout, 0);
    while (written() < 4 * diskBytes) {
      for (const log of logs) log.appendOutput('stdout', LINE);
      while (store.writing > 0) await turn();
      // What is not in files is the newest block of each.
      const most = Math.min(written(), 0.9 * diskBytes);
      expect(kept()).toBeGreaterThanOrEqual(most - segmentBytes);
      expect(store.disk).toBeLessThanOrEqual(diskBytes);
    }
    for (const log of logs) log.dispose();
  });
});
