import { describe, expect, it } from 'vitest';
import { makeRow } from '../../bench/lib/row.mjs';
import { drawChart } from '../../bench/report/chart.mjs';
import { latency, result } from './fixture.ts';

describe('the chart of a result', () => {
  it('is the same for the same result', () => {
    expect(drawChart(result())).toBe(drawChart(result()));
  });

  it('has the name and the number of each contender', () => {
    const svg = drawChart(result());
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['latency', 'runlet', '2.00', 'bound', '1.00']),
    );
  });

  it('says which way is better', () => {
    const rate = makeRow(
      { id: 'rate', measure: 'rate', unit: 'starts/s' },
      [{ contender: 'runlet', rounds: [1] }],
      'runlet',
      {},
    );
    const svg = drawChart(result({ rows: [latency(), rate] }));
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['ms, less is better', 'starts/s, more is better']),
    );
  });

  it('has a logarithmic scale for contenders that are far apart', () => {
    const [runlet] = latency().values;
    const slow = { contender: 'slow', rounds: [2000] };
    const row = { ...latency(), values: runlet === undefined ? [] : [runlet, slow] };
    expect(texts(drawChart(result({ rows: [row] })))).toContain(
      'ms, less is better, logarithmic scale',
    );
  });

  it('names what is missing', () => {
    const ssh = { name: 'ssh', about: 'OpenSSH', missing: 'apt-get install openssh-server' };
    expect(drawChart(result({ contenders: [ssh] }))).toContain('Missing, not measured: ssh.');
  });

  it('can be drawn of nothing', () => {
    expect(drawChart(result({ rows: [] }))).toContain('</svg>');
  });
});

function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text);
}
