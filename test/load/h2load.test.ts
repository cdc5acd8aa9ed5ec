import { describe, expect, it } from 'vitest';
import { outcomeOfLog } from '../../load/lib/h2load.mjs';

describe('the log of h2load', () => {
  it('becomes counts, seconds and milliseconds', () => {
    const log = '1000000\t200\t2000\n1500000\t200\t500000\n1100000\t200\t4000\n';
    expect(outcomeOfLog(log, [])).toEqual({
      calls: 3,
      seconds: 1,
      errors: [],
      latency: { p50: 4, p90: 500, p95: 500, p99: 500, max: 500 },
      figures: {},
    });
  });

  it('is an error for another HTTP status, beside those that are known', () => {
    const { calls, errors } = outcomeOfLog('1000000\t200\t2000\n1000000\t-1\t7\n', ['too short']);
    expect(calls).toBe(1);
    expect(errors).toEqual(['too short', '1 times another HTTP status than 200']);
  });

  it('can be empty', () => {
    expect(outcomeOfLog('', [])).toMatchObject({ calls: 0, seconds: 0, latency: undefined });
  });
});
