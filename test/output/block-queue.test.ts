import { describe, expect, it } from 'vitest';
import { BlockQueue } from '../../src/output/block-queue.ts';
import { ZERO_OFFSETS } from '../../src/output/event.ts';
import { EventBlock } from '../../src/output/event-block.ts';

describe('a queue of blocks', () => {
  it('keeps no more of those that were forgotten than there are others', () => {
    const gone = new Set<number>();
    let looks = 0;
    const queue = new BlockQueue<number>(({ log }) => {
      looks += 1;
      return !gone.has(log);
    });
    const LOGS = 3_000;
    for (let log = 0; log < LOGS; log++) queue.push({ log, block: newBlock() });
    for (let left = LOGS; left > 0; left--) {
      gone.add(left - 1);
      queue.forget(1);
    }
    // Each was looked at a few times, however many there were.
    expect(looks).toBeLessThan(5 * LOGS);
    looks = 0;
    expect(queue.takeFirst(() => true)).toBe(false);
    expect(looks).toBe(0);
  });
});

function newBlock(): EventBlock {
  return new EventBlock(1, ZERO_OFFSETS, 0);
}
