import { describe, expect, it } from 'vitest';
import { exposition, formatFor } from '../../src/telemetry/metrics/exposition.ts';
import { parseExposition } from '../support/exposition.ts';

describe('the format of a scrape', () => {
  it.each([
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['text/plain;q=0.5, Application/OpenMetrics-Text; version=1.0.0; q=0.6', 'openmetrics'],
    ['application/openmetrics-text;q=0.2,text/plain;q=0.5', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;q=x', 'prometheus'],
  ] as const)('is what is asked for: %s', (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });

  it.each(['prometheus', 'openmetrics'] as const)('is written as %s has it', (format) => {
    const text = exposition(
      [
        {
          name: 'a_total',
          help: 'What\nis "counted" \\ so.',
          type: 'counter',
          values: [{ value: 1e21, labels: { text: 'a "quote", a \\ and\na line' } }],
        },
        {
          name: 'b',
          help: 'B.',
          type: 'gauge',
          values: [
            { value: Number.NaN, labels: { of: 'nothing' } },
            { value: Number.NEGATIVE_INFINITY, labels: { of: 'all' } },
          ],
        },
      ],
      format,
    );
    const families = parseExposition(text, format);
    expect([...families].map(([name, { samples }]) => [name, ...samples])).toEqual([
      [
        format === 'openmetrics' ? 'a' : 'a_total',
        ['a_total{text="a \\"quote\\", a \\\\ and\\na line"}', 1e21],
      ],
      ['b', ['b{of="nothing"}', Number.NaN], ['b{of="all"}', Number.NEGATIVE_INFINITY]],
    ]);
  });
});
