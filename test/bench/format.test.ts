import { expect, it } from 'vitest';
import { formatNumber } from '../../bench/report/format.mjs';

it.each([
  [0, '0.00'],
  [0.0123, '0.012'],
  [0.0702, '0.070'],
  [0.125, '0.13'],
  [1.5, '1.50'],
  [9.996, '10.0'],
  [64.25, '64.3'],
  [99.96, '100'],
  [12345.6, '12,346'],
  [-1.5, '-1.50'],
])('writes %d with three digits that count', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});
