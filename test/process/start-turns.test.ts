import { describe, expect, it } from 'vitest';
import { HUNG_START_MS, SATURATED_STARTS_MS } from '../../src/limits.ts';
import { StartTurns } from '../../src/process/start-turns.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { settle } from '../support/settle.ts';

/** Starts that are over when they are told to be, and the order in which they began. */
function rig() {
  const clock = new FakeClock();
  const turns = new StartTurns(clock, 4);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  return {
    clock,
    begun,
    ask(asker: string, principal = 'one'): Promise<void> {
      return turns.use({ asker, principal }, () => {
        begun.push(asker);
        return new Promise((resolve) => ends.push(resolve));
      });
    },
    /** Ends the start that began first, and lets what follows from that happen. */
    async end(): Promise<void> {
      ends.shift()?.();
      await new Promise(setImmediate);
    },
  };
}

describe('starts', () => {
  it('of one who asks for many do not hold up those of another', async () => {
    const { ask, begun, end } = rig();
    for (let i = 0; i < 1_000; i++) void ask('many');
    void ask('few');
    void ask('few');
    const before = begun.length;
    for (let i = 0; i < 4; i++) await end();
    expect(begun.slice(before)).toEqual(['many', 'few', 'many', 'few']);
    expect(before).toBeLessThan(100);
  });

  it('begin at once where nobody waits', async () => {
    const { ask, begun, end } = rig();
    void ask('one');
    await end();
    void ask('other');
    expect(begun).toEqual(['one', 'other']);
  });

  it('that hang hold up the others for a bounded time alone', async () => {
    const { ask, begun, clock } = rig();
    for (let i = 0; i < 2; i++) void ask('hung');
    void ask('other');
    expect(begun).not.toContain('other');
    clock.advance(HUNG_START_MS);
    await settle();
    expect(begun).toContain('other');
  });

  it('that hang leave a thread to what is no start, and refuse the others in the end', async () => {
    const { ask, begun, clock, end } = rig();
    const asked = Array.from({ length: 20 }, () => ask('hung'));
    for (let i = 0; i < 5; i++) {
      clock.advance(HUNG_START_MS);
      await settle();
    }
    expect(begun).toHaveLength(3);
    clock.advance(SATURATED_STARTS_MS);
    const refused = await Promise.allSettled([...asked.slice(3), ask('late')]);
    for (const start of refused) {
      expect(start).toMatchObject({ reason: { reason: 'START_FAILED' } });
    }
    await end();
    void ask('other');
    expect(begun).toContain('other');
  });

  it('that fail make room as well', async () => {
    const turns = new StartTurns(new FakeClock(), 4);
    const fail = (): Promise<void> => Promise.reject(new Error('no'));
    const failures = Array.from({ length: 100 }, (_, i) =>
      turns.use({ principal: `${i % 2}`, asker: i % 3 }, fail),
    );
    expect((await Promise.allSettled(failures)).map(({ status }) => status)).not.toContain(
      'fulfilled',
    );
  });
});
