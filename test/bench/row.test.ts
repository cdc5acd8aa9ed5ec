import { describe, expect, it } from 'vitest';
import { isMet, makeRow } from '../../bench/lib/row.mjs';
import { latency } from './fixture.ts';

describe('a ratio', () => {
  it('compares the numbers of the same round', () => {
    const values = [
      { contender: 'a', rounds: [2, 9] },
      { contender: 'b', rounds: [1, 3] },
    ];
    const row = makeRow({ id: 'x', measure: 'x', unit: 's' }, values, 'a', { b: undefined });
    expect(row.ratios.map(({ rounds }) => rounds)).toEqual([[2, 3]]);
  });

  it('is not there for a contender that was not measured', () => {
    expect(latency().ratios.map(({ to }) => to)).toEqual(['bound']);
  });

  it('meets its target by its median', () => {
    const met = (target: { least: number } | { most: number }) =>
      latency(target).ratios.map(isMet)[0];
    expect([met({ most: 2 }), met({ most: 1.9 })]).toEqual([true, false]);
    expect([met({ least: 2 }), met({ least: 2.1 })]).toEqual([true, false]);
  });
});
