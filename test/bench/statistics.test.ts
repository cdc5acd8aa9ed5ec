import { describe, expect, it } from 'vitest';
import { median, quantile, summarize } from '../../bench/lib/statistics.mjs';

describe('the quantile of numbers', () => {
  it('is the number that the share of them do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 1)).toBe(100);
  });

  it('is the greatest of a few', () => {
    expect(quantile([3, 10, 2], 0.99)).toBe(10);
  });

  it('is refused for none', () => {
    expect(() => quantile([], 0.5)).toThrow('nothing');
  });
});

describe('the median of numbers', () => {
  it('is the one in the middle', () => {
    expect(median([10, 1, 9])).toBe(9);
  });

  it('is the mean of the two in the middle', () => {
    expect(median([10, 1, 2, 9])).toBe(5.5);
  });
});

describe('a summary of rounds', () => {
  it('has the median, the least and the greatest', () => {
    expect(summarize([3, 1, 2])).toEqual({ median: 2, least: 1, greatest: 3 });
  });
});
