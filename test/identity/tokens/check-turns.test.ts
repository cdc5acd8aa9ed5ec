import { describe, expect, it } from 'vitest';
import { CheckTurns } from '../../../src/identity/tokens/check-turns.ts';
import { MAX_TOKEN_CHECKS, MAX_WAITING_TOKEN_CHECKS } from '../../../src/limits.ts';

/** Checks that end when they are told to, in the order in which they began. */
function heldChecks() {
  const turns = new CheckTurns();
  const began: string[] = [];
  const held: (() => void)[] = [];
  return {
    began,
    take(key: string, name = key): Promise<string> {
      return turns.take(key, async () => {
        began.push(name);
        await new Promise<void>((resolve) => held.push(resolve));
        return name;
      });
    },
    /** Ends the oldest, and lets the next begin. */
    async endOne(): Promise<void> {
      held.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('checks of tokens', () => {
  it('are done a few at one time', async () => {
    const { began, endOne, take } = heldChecks();
    const all = ['a', 'b', 'c', 'd'].map((key) => take(key));
    expect(began).toHaveLength(MAX_TOKEN_CHECKS);
    for (const _ of all) await endOne();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are done in turn for each key, however many there are of one', async () => {
    const { began, endOne, take } = heldChecks();
    const all = Array.from({ length: 10 }, (_, i) => take('many', `many ${i}`));
    all.push(take('one'), take('other'));
    for (let i = 0; i < 3; i++) await endOne();
    expect(began.slice(0, 5)).toEqual(['many 0', 'many 1', 'many 2', 'one', 'other']);
    for (const _ of all) await endOne();
    expect(await Promise.all(all)).toHaveLength(12);
  });

  it('are refused if too many of one key wait, and those of others are not', async () => {
    const { endOne, take } = heldChecks();
    const all = Array.from({ length: MAX_TOKEN_CHECKS + MAX_WAITING_TOKEN_CHECKS }, () =>
      take('many'),
    );
    expect(() => take('many')).toThrow('too many tokens of this key are new at one time');
    all.push(take('one'));
    for (const _ of all) await endOne();
    expect(await Promise.all(all)).toContain('one');
  });

  it('make room when one fails', async () => {
    const turns = new CheckTurns();
    const failing = Array.from({ length: 5 }, () =>
      turns.take('key', () => Promise.reject(new Error('wrong'))),
    );
    const results = await Promise.allSettled(failing);
    expect(results.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    expect(await turns.take('key', async () => 'right')).toBe('right');
  });
});
