import { describe, expect, it } from 'vitest';
import type { EventCursor } from '../../src/output/event-cursor.ts';
import { EventLog } from '../../src/output/event-log.ts';
import { OutputStore } from '../../src/output/output-store.ts';
import { BLOCK_BYTES, MAX_EVENT_BYTES } from '../../src/output/sizes.ts';
import { decodeBatch } from '../support/decode.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { readNow } from '../support/output.ts';

describe('readers that stop in the midst of what they read', () => {
  const memoryBytes = 64 * BLOCK_BYTES;
  const store = new OutputStore({
    clock: new FakeClock(),
    memoryBytes,
    diskBytes: 0,
    spool: undefined,
  });
  const retainedBytes = memoryBytes;
  const log = new EventLog({ name: 'p', store, retainedBytes, overflow: 'drop-oldest' });
  for (let i = 0; i < 8; i++) log.appendOutput('stdout', Buffer.alloc(MAX_EVENT_BYTES, i));
  const stopped: EventCursor[] = [];
  for (let i = 0; i < 100; i++) {
    const cursor = log.openCursor(0);
    readNow(cursor, BLOCK_BYTES);
    stopped.push(cursor);
  }

  it('have a part of memory together, and a copy of one event each beyond it', () => {
    expect(store.loans.bytes).toBeLessThanOrEqual(memoryBytes / 8);
    expect(store.loans.bytes).toBeGreaterThan(memoryBytes / 16);
    expect(store.loans.copied).toBeLessThanOrEqual(100 * (MAX_EVENT_BYTES + 100));
  });

  it('do not keep others from reading all', () => {
    const cursor = log.openCursor(0);
    let bytes = 0;
    while (cursor.nextSeq <= log.lastSeq) {
      for (const { event } of decodeBatch(readNow(cursor, BLOCK_BYTES))) {
        if (event.case === 'output') bytes += event.value.data.byteLength;
      }
    }
    expect(bytes).toBe(8 * MAX_EVENT_BYTES);
    cursor.close();
  });

  it('give back what they have when they leave', () => {
    for (const cursor of stopped) cursor.close();
    expect(store.loans.bytes).toBe(0);
    expect(store.loans.copied).toBe(0);
  });
});
