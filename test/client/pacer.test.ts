import { describe, expect, it } from 'vitest';
import { Pacer } from '../../src/client/pacer.ts';

describe('a pacer', () => {
  it('lets 64 calls begin in a turn of the event loop, in order', async () => {
    const pacer = new Pacer();
    const begun: number[] = [];
    for (let i = 0; i < 150; i += 1) void pacer.turn().then(() => begun.push(i));
    // What began in this turn, before the event loop goes on.
    await Promise.resolve();
    const counts = [begun.length];
    while (begun.length < 150) {
      await new Promise((resolve) => setImmediate(resolve));
      counts.push(begun.length);
    }
    expect(begun).toEqual(Array.from({ length: 150 }, (_, i) => i));
    for (const [i, count] of counts.entries()) {
      expect(count - (counts[i - 1] ?? 0)).toBeLessThanOrEqual(64);
    }
  });

  it('lets a call begin at once when few did', async () => {
    const pacer = new Pacer();
    let begun = false;
    void pacer.turn().then(() => {
      begun = true;
    });
    await Promise.resolve();
    expect(begun).toBe(true);
  });
});
