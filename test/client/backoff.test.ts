import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff } from '../../src/client/backoff.ts';

describe('a back-off', () => {
  it('doubles its pauses up to the longest, each from its upper half', () => {
    const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.array(share, { minLength: 1, maxLength: 100 }), (shares) => {
        let drawn = 0;
        const random = (): number => shares[drawn++] ?? 0;
        const backoff = new Backoff({ initialMs: 10, maxMs: 1000, random });
        for (let attempt = 0; attempt < shares.length; attempt += 1) {
          const most = Math.min(1000, 10 * 2 ** attempt);
          const pause = backoff.next();
          expect(pause).toBeGreaterThanOrEqual(most / 2);
          expect(pause).toBeLessThanOrEqual(most);
        }
      }),
    );
  });

  it('begins anew after a success', () => {
    const backoff = new Backoff({ initialMs: 10, maxMs: 1000, random: () => 0 });
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([5, 10, 20]);
    backoff.reset();
    expect(backoff.next()).toBe(5);
  });
});
