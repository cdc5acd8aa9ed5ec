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

  it('has examples where the format has a place for them', () => {
    const exemplar = {
      labelSet: { trace_id: 'a "trace"' },
      value: 0.25,
      timestamp: 1520879607.789,
    };
    const bucket = (le: string, value: number) => ({
      metricName: 'a_seconds_bucket',
      labels: { le },
      value,
      exemplar: le === '+Inf' ? null : exemplar,
    });
    const values = [bucket('1', 1), bucket('+Inf', 2)];
    const metric = { name: 'a_seconds', help: 'A.', type: 'histogram', values };
    const text = exposition([metric], 'openmetrics');
    expect(text).toContain(
      'a_seconds_bucket{le="1.0"} 1 # {trace_id="a \\"trace\\""} 0.25 1520879607.789\n',
    );
    const exemplars = [...(parseExposition(text, 'openmetrics').get('a_seconds')?.exemplars ?? [])];
    expect(exemplars.map(([key, { value }]) => [key, value])).toEqual([
      ['a_seconds_bucket{le="1.0"}', 0.25],
    ]);
    const plain = exposition([metric], 'prometheus');
    expect(plain).toContain('a_seconds_bucket{le="1"} 1\na_seconds_bucket{le="+Inf"} 2\n');
  });
});
