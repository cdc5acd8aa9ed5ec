import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ranking } from '../../src/output/ranking.ts';

describe('a ranking', () => {
  it('has the one with the lowest rank first, as a list that is sorted each time has', () => {
    const step = fc.record({
      item: fc.nat(20),
      rank: fc.option(fc.integer({ min: -5, max: 5 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const ranking = new Ranking<number>();
        const model = new Map<number, number>();
        for (const { item, rank } of steps) {
          ranking.set(item, rank);
          if (rank === undefined) model.delete(item);
          else model.set(item, rank);
          const lowest = Math.min(...model.values());
          expect(ranking.firstRank).toBe(lowest);
          expect(ranking.has(item)).toBe(model.has(item));
          const { first } = ranking;
          if (model.size === 0) expect(first).toBeUndefined();
          else expect(model.get(first ?? -1)).toBe(lowest);
        }
      }),
    );
  });
});
