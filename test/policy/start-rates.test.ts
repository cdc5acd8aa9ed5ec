import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunletError } from '../../src/errors.ts';
import { DEFAULT_LIMITS, START_BURST_SECONDS } from '../../src/limits.ts';
import { principalLimits } from '../../src/policy/principal-limits.ts';
import { StartRates } from '../../src/policy/start-rates.ts';
import { FakeClock } from '../support/fake-clock.ts';

function ratesOf(maxPrincipalStartsPerSecond: number) {
  const clock = new FakeClock();
  const limits = principalLimits({ ...DEFAULT_LIMITS, maxPrincipalStartsPerSecond });
  return { clock, rates: new StartRates(clock, limits) };
}

/** Undefined: it was let through; else what the error says. */
function refused(rates: StartRates, principal: string): RunletError['details'] | undefined {
  try {
    rates.take(principal);
    return undefined;
  } catch (error) {
    if (error instanceof RunletError) return error.details;
    throw error;
  }
}

describe('starts of a principal', () => {
  it('are let through as a bucket of tokens says, of each by itself', () => {
    const step = fc.record({ who: fc.constantFrom('a', 'b'), passMs: fc.nat(3_000) });
    const property = fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { maxLength: 120 }),
      (rate, steps) => {
        const { clock, rates } = ratesOf(rate);
        const burst = rate * START_BURST_SECONDS;
        // In thousandths of a token, which are whole numbers at each millisecond.
        const tokens = new Map([
          ['a', 1000 * burst],
          ['b', 1000 * burst],
        ]);
        for (const { passMs, who } of steps) {
          clock.skip(passMs % 7 === 0 ? passMs : 0);
          const passed = passMs % 7 === 0 ? passMs : 0;
          for (const [name, count] of tokens) {
            tokens.set(name, Math.min(1000 * burst, count + passed * rate));
          }
          const has = tokens.get(who) ?? 0;
          // Fractions of 1/3 ms are not exact in either way of counting.
          if (Math.abs(has - 1000) < 1) continue;
          const details = refused(rates, who);
          expect(details === undefined).toBe(has >= 1000);
          if (details === undefined) tokens.set(who, has - 1000);
          else expect(details.retryAfterMs).toBeGreaterThanOrEqual((1000 - has) / rate - 1);
        }
      },
    );
    fc.assert(property);
  });

  it('that are refused are told of the limit, and when the next is let through', () => {
    const { clock, rates } = ratesOf(2);
    for (let i = 0; i < 2 * START_BURST_SECONDS; i++) rates.take('a');
    expect(refused(rates, 'a')).toMatchObject({
      metadata: { limit: 'max_principal_starts_per_second', maximum: '2' },
      retryAfterMs: 500,
    });
    expect(refused(rates, 'b')).toBeUndefined();
    clock.skip(500);
    expect(refused(rates, 'a')).toBeUndefined();
    expect(refused(rates, 'a')).toBeDefined();
  });

  it('are not remembered once as many are let through as at first', () => {
    const { clock, rates } = ratesOf(1);
    for (let i = 0; i < 1000; i++) {
      rates.take(`principal ${i}`);
      clock.skip(10);
      // Each is known for as long as the start of a token takes.
      expect(rates.size).toBeLessThanOrEqual(100);
    }
    clock.skip(1000);
    expect(rates.size).toBe(0);
  });

  it('are any number where the limit is 0', () => {
    const { rates } = ratesOf(0);
    for (let i = 0; i < 10_000; i++) rates.take('a');
    expect(rates.size).toBe(0);
  });
});
