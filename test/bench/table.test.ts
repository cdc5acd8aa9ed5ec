import { expect, it } from 'vitest';
import { markdownTable } from '../../bench/lib/table.mjs';

it('aligns the columns of a table', () => {
  const table = markdownTable(
    ['measure', 'a'],
    [
      ['rate', '1.00'],
      ['latency, p99', '12.50'],
    ],
  );
  expect(table).toBe(
    [
      '| measure      |     a |',
      '| ------------ | ----: |',
      '| rate         |  1.00 |',
      '| latency, p99 | 12.50 |',
    ].join('\n'),
  );
});
