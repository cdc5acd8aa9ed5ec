import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../load/lib/ghz.mjs';

const REPORT = {
  endReason: 'normal',
  count: 3,
  total: 2_000_000_000,
  errorDistribution: {},
  statusCodeDistribution: { OK: 3 },
  details: [
    { latency: 1_000_000, status: 'OK' },
    { latency: 2_000_000, status: 'OK' },
    { latency: 30_000_000, status: 'OK' },
  ],
};

describe('what ghz reports', () => {
  it('becomes counts, seconds and milliseconds', () => {
    expect(outcomeOf(REPORT)).toEqual({
      calls: 3,
      seconds: 2,
      errors: [],
      latency: { p50: 2, p90: 30, p95: 30, p99: 30, max: 30 },
      figures: {},
    });
  });

  it('is errors, each with how often, and calls that do not count', () => {
    const outcome = outcomeOf({
      ...REPORT,
      errorDistribution: { 'rpc error: code = NotFound': 1 },
      statusCodeDistribution: { OK: 2, NotFound: 1 },
      details: [...REPORT.details.slice(0, 2), { latency: 1, status: 'NotFound' }],
    });
    expect(outcome).toMatchObject({
      calls: 2,
      errors: ['1 times rpc error: code = NotFound'],
      latency: { max: 2 },
    });
  });

  it('is an error where only the status tells', () => {
    const { errors } = outcomeOf({ ...REPORT, statusCodeDistribution: { OK: 2, Unavailable: 1 } });
    expect(errors).toEqual(['1 times Unavailable']);
  });

  it('is an error if it ended early', () => {
    expect(outcomeOf({ ...REPORT, endReason: 'timeout' }).errors).toEqual(['ended early: timeout']);
  });
});
