import { describe, expect, it } from 'vitest';
import { Lease } from '../../src/session/lease.ts';
import { FakeClock } from '../support/fake-clock.ts';

const TTL_MS = 1_000;

function startLease(): { clock: FakeClock; lease: Lease; expired: () => number } {
  const clock = new FakeClock();
  let count = 0;
  const lease = new Lease({
    clock,
    ttlMs: TTL_MS,
    onExpired: () => {
      count += 1;
    },
  });
  return { clock, lease, expired: () => count };
}

describe('a lease', () => {
  it('that nobody ever holds expires after its time', () => {
    const { clock, expired, lease } = startLease();
    clock.advance(TTL_MS - 1);
    expect([lease.expired, expired()]).toEqual([false, 0]);
    clock.advance(1);
    expect([lease.expired, expired()]).toEqual([true, 1]);
    expect(clock.pending).toBe(0);
  });

  it('does not expire while it is held, by however many', () => {
    const { clock, expired, lease } = startLease();
    const first = lease.hold();
    const second = lease.hold();
    clock.advance(10 * TTL_MS);
    first();
    first();
    clock.advance(10 * TTL_MS);
    expect([lease.expired, expired()]).toEqual([false, 0]);
    second();
    clock.advance(TTL_MS);
    expect([lease.expired, expired()]).toEqual([true, 1]);
  });

  it('counts its time from the end of the last hold', () => {
    const { clock, expired, lease } = startLease();
    for (let i = 0; i < 5; i++) {
      clock.advance(TTL_MS - 1);
      lease.hold()();
    }
    clock.advance(TTL_MS - 1);
    expect([lease.expired, expired()]).toEqual([false, 0]);
    clock.advance(1);
    expect([lease.expired, expired()]).toEqual([true, 1]);
  });

  it('is expired from the millisecond on, though its timer has not fired', () => {
    const { clock, expired, lease } = startLease();
    clock.skip(TTL_MS - 1);
    expect(lease.expired).toBe(false);
    clock.skip(1);
    expect([lease.expired, expired()]).toEqual([true, 0]);
  });

  it('sets no timer for a hold, and one at most in all', () => {
    const { clock, lease } = startLease();
    for (let i = 0; i < 100; i++) {
      clock.advance(1);
      lease.hold()();
      expect(clock.pending).toBe(1);
    }
  });

  it('that was ended expires for nobody', () => {
    const { clock, expired, lease } = startLease();
    const release = lease.hold();
    lease.end();
    release();
    clock.advance(10 * TTL_MS);
    expect(expired()).toBe(0);
    expect(clock.pending).toBe(0);
  });
});
