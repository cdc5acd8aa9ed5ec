import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../load/lib/k6.mjs';

const TREND = { count: 4, med: 6.5, 'p(90)': 16.70004, 'p(95)': 18, 'p(99)': 19, max: 20 };

// Of a threshold, the summary tells whether it was crossed.
const SUMMARY = {
  metrics: {
    runlet_done: { count: 4, thresholds: { 'count==4': false } },
    runlet_errors: { count: 0, thresholds: { 'count==0': false } },
    checks: { passes: 30, thresholds: { 'rate==1': false } },
    runlet_echo: TREND,
  },
  root_group: { checks: { a: { name: 'the line comes back', fails: 0 } } },
};

describe('the summary of k6', () => {
  it('becomes counts and milliseconds', () => {
    expect(outcomeOf(SUMMARY, 'runlet_echo')).toEqual({
      calls: 4,
      errors: [],
      latency: { p50: 6.5, p90: 16.7, p95: 18, p99: 19, max: 20 },
      figures: { 'checks that passed': 30, 'values of runlet_echo': 4 },
    });
  });

  it('is an error for each check that failed, and each threshold that was crossed', () => {
    const { errors } = outcomeOf(
      {
        metrics: {
          ...SUMMARY.metrics,
          checks: { passes: 28, thresholds: { 'rate==1': true } },
        },
        root_group: { checks: { a: { name: 'the line comes back', fails: 2 } } },
      },
      'runlet_echo',
    );
    expect(errors).toEqual(['2 times not: the line comes back', 'checks did not meet rate==1']);
  });

  it('is an error for calls that failed', () => {
    const { errors } = outcomeOf(
      { ...SUMMARY, metrics: { ...SUMMARY.metrics, runlet_errors: { count: 3 } } },
      'runlet_echo',
    );
    expect(errors).toEqual(['3 times a call failed']);
  });

  it('has no latencies where nothing was measured', () => {
    expect(outcomeOf(SUMMARY, 'runlet_other').latency).toBeUndefined();
  });
});
