import { describe, expect, it } from 'vitest';
import { pollWaitMs } from '../../src/server/event-stream.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('a long poll', () => {
  const clock = new FakeClock();
  const wait = (waitMs: number, deadlineInMs: number): number =>
    pollWaitMs(waitMs, 30_000, clock.now() + deadlineInMs, 100, clock);

  it('waits for as long as it is asked to, within a bound', () => {
    expect(wait(20_000, Number.POSITIVE_INFINITY)).toBe(20_000);
    expect(wait(40_000, Number.POSITIVE_INFINITY)).toBe(30_000);
  });

  it('is over a little before the deadline of its call', () => {
    expect(wait(20_000, 1_000)).toBe(900);
    expect(wait(20_000, 20_100)).toBe(20_000);
  });

  it('does not wait where that is too near, or has passed', () => {
    expect(wait(20_000, 100)).toBe(0);
    expect(wait(20_000, -1_000)).toBe(0);
  });
});
