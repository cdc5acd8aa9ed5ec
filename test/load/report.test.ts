import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../load/lib/holdings.mjs';
import { faultsOfRun } from '../../load/lib/report.mjs';
import { drawTimeline } from '../../load/report/chart.mjs';
import { reportText } from '../../load/report/text.mjs';
import { report, scenario } from './fixture.ts';

const HELD = { descriptors: 22, children: 0, zombies: 0, residentMib: 80 };

describe('a server after a load', () => {
  it('is back if it holds what it held', () => {
    expect(faultsOf(HELD, { ...HELD, residentMib: 96 }, 16)).toEqual([]);
  });

  it.each([
    [{ descriptors: 23 }, 'descriptors: 23, and 22 before'],
    [{ children: 1 }, 'children: 1, and 0 before'],
    [{ zombies: 2 }, 'zombies: 2, and 0 before'],
    [{ residentMib: 97 }, expect.stringContaining('resident memory: 97 MiB')],
    [{ residentMib: Number.NaN }, expect.stringContaining('resident memory: NaN MiB')],
  ])('is not back with %o', (differing, fault) => {
    expect(faultsOf(HELD, { ...HELD, ...differing }, 16)).toEqual([fault]);
  });
});

describe('a run', () => {
  it('has no faults if all went well', () => {
    expect(faultsOfRun(report())).toEqual([]);
  });

  it('has a fault for each error, each call that is missing, and each scenario given up', () => {
    const faults = faultsOfRun(
      report({
        scenarios: [scenario({ errors: ['2 times NotFound'], calls: 8 })],
        failures: [{ scenario: 'holding', message: 'it ended' }],
      }),
    );
    expect(faults).toEqual([
      'holding: it ended',
      'ghz-unary: 2 times NotFound',
      'ghz-unary: 8 of 10',
    ]);
  });

  it('has a fault for what a server still holds', () => {
    const [server] = report().servers;
    if (server === undefined) throw new Error('the fixture has no server');
    const back = { ...server.back, faults: ['zombies: 1, and 0 before'] };
    expect(faultsOfRun(report({ servers: [{ ...server, back }] }))).toEqual([
      'not as before the load: zombies: 1, and 0 before',
    ]);
  });
});

describe('the text of a run', () => {
  it('has rates, latencies, and what the server holds', () => {
    const text = reportText(report());
    expect(text).toMatch(/\| ghz-unary +\| +10 of 10 +\| +0 \| +2\.00 \| +5\.00 \|/);
    expect(text).toMatch(/\| ghz-unary \| a call +\| +1\.00 \|.*\| +50\.0 \|/);
    expect(text).toMatch(/\| descriptors .*\| +22 \| +22 \|/);
  });

  it('names what was not run, and why', () => {
    const text = reportText(report({ missing: [{ scenario: 'k6-watchers', what: 'k6' }] }));
    expect(text).toContain('**k6-watchers** was not run. Missing: k6');
  });
});

describe('the chart of a run', () => {
  it('is the same for the same run', () => {
    expect(drawTimeline(report())).toBe(drawTimeline(report()));
  });

  it('has the server over time, and a row for each scenario that has latencies', () => {
    const svg = drawTimeline(
      report({ scenarios: [scenario(), scenario({ name: 'none', latency: undefined })] }),
    );
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    expect(texts).toContain('Server 1: processors in use');
    expect(texts).toContain('Server 1: resident memory, MiB');
    // In both panels over time, and in the row of its latencies.
    expect(texts.filter((text) => text === 'ghz-unary')).toHaveLength(3);
    expect(texts.filter((text) => text === 'none')).toHaveLength(2);
  });

  it('can be drawn of nothing', () => {
    expect(drawTimeline(report({ scenarios: [], servers: [] }))).toContain('</svg>');
  });
});
