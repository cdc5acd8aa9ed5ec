import { describe, expect, it } from 'vitest';
import { DRAIN_LOOK_MS } from '../../src/limits.ts';
import { drained } from '../../src/server/drain.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { settle } from '../support/settle.ts';

/** Waits for what the test says there is left, with a clock that stands still. */
function draining(ms: number, left = 1) {
  const clock = new FakeClock();
  const hurried = new AbortController();
  let count = left;
  let over = false;
  void drained({ clock, ms, hurried: hurried.signal, left: () => count }).then(() => {
    over = true;
  });
  return {
    clock,
    hurry: () => hurried.abort(),
    leave: (now: number): void => {
      count = now;
    },
    async isOver(): Promise<boolean> {
      await settle();
      return over;
    },
  };
}

describe('what a server waits for before it ends', () => {
  it('is over at once where nothing is left', async () => {
    const { clock, isOver } = draining(1_000, 0);
    expect(await isOver()).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('is over soon after the last has gone', async () => {
    const { clock, isOver, leave } = draining(1_000_000, 2);
    clock.advance(100 * DRAIN_LOOK_MS);
    leave(1);
    clock.advance(100 * DRAIN_LOOK_MS);
    expect(await isOver()).toBe(false);
    leave(0);
    clock.advance(DRAIN_LOOK_MS);
    expect(await isOver()).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('is over when the time is, to the millisecond', async () => {
    const { clock, isOver } = draining(2.5 * DRAIN_LOOK_MS);
    clock.advance(2.5 * DRAIN_LOOK_MS - 1);
    expect(await isOver()).toBe(false);
    clock.advance(1);
    expect(await isOver()).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('is over at once where somebody is in a hurry', async () => {
    const { clock, hurry, isOver } = draining(1_000_000);
    clock.advance(DRAIN_LOOK_MS);
    expect(await isOver()).toBe(false);
    hurry();
    expect(await isOver()).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
