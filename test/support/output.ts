import type { Clock } from '../../src/clock.ts';
import type { EventBatch, EventCursor } from '../../src/output/event-cursor.ts';
import type { TierSizes } from '../../src/output/log-sizes.ts';
import { OutputStore } from '../../src/output/output-store.ts';

/** Keeps output in memory, as much as a test has. */
export function memoryStore(clock: Clock, sizes: Partial<TierSizes> = {}): OutputStore {
  return new OutputStore({
    clock,
    memoryBytes: Number.POSITIVE_INFINITY,
    diskBytes: 0,
    spool: undefined,
    sizes,
  });
}

/** What a cursor reads without having to wait for a file. */
export function readNow(cursor: EventCursor, maxBytes: number): EventBatch | undefined {
  const read = cursor.read(maxBytes);
  if (read instanceof Promise) throw new Error('it is in a file');
  return read;
}
