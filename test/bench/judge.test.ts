import { describe, expect, it } from 'vitest';
import { type Check, judge } from '../../bench/guard/judge.mjs';
import { misses, table } from '../../bench/guard/report.mjs';
import { makeRow, type Row } from '../../bench/lib/row.mjs';

/** A row whose ratio is to be 2 at most. */
function row(id: string, ratios: number[]): Row {
  const values = [
    { contender: 'runlet', rounds: ratios },
    { contender: 'other', rounds: ratios.map(() => 1) },
  ];
  return makeRow({ id, measure: 'start', unit: 'ms' }, values, 'runlet', { other: { most: 2 } });
}

/** Measures rows of which is given what comes of each attempt; and in which order. */
function rig(attempts: Record<string, number[][]>): {
  readonly checks: readonly Check[];
  readonly order: string[];
} {
  const order: string[] = [];
  const checks = Object.entries(attempts).map(([id, rounds]) => ({
    id,
    measure: async () => {
      order.push(id);
      return row(id, rounds.shift() ?? []);
    },
  }));
  return { checks, order };
}

const SETUP = { dist: '', serverFlags: [], flood: '', plainPages: '' };

describe('the guard', () => {
  it('goes by the median of the rounds', async () => {
    const { checks, order } = rig({ a: [[1, 2, 100]] });
    const [verdict] = await judge(checks, (check) => check.measure(SETUP));
    expect(verdict).toMatchObject({ met: true, before: undefined });
    expect(order).toEqual(['a']);
  });

  it('measures what missed its bound once more, after all others', async () => {
    const { checks, order } = rig({ a: [[3], [1]], b: [[1]] });
    const verdicts = await judge(checks, (check) => check.measure(SETUP));
    expect(order).toEqual(['a', 'b', 'a']);
    expect(verdicts.map(({ met }) => met)).toEqual([true, true]);
    expect(misses(verdicts)).toEqual([]);
    expect(table(verdicts)).toMatch(/^\| a .* no \|\n\| a, again .* yes \|\n\| b .* yes \|$/m);
  });

  it('fails by name what misses it again', async () => {
    const { checks } = rig({ a: [[1]], b: [[3], [4]] });
    const verdicts = await judge(checks, (check) => check.measure(SETUP));
    expect(verdicts.map(({ met }) => met)).toEqual([true, false]);
    expect(misses(verdicts)).toEqual(['b: start, runlet to other: 4.00, not at most 2']);
  });
});
