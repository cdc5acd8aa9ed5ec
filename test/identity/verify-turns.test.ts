import { describe, expect, it } from 'vitest';
import { VerifyTurns } from '../../src/identity/verify-turns.ts';

/** Tasks that end when they are told to, in the order in which they began. */
function heldTasks(options: { readonly each?: number; readonly all?: number } = {}) {
  const turns = new VerifyTurns<string>({
    parallel: 2,
    each: 10,
    all: 15,
    limit: 'waiting',
    ...options,
  });
  const began: string[] = [];
  const held: (() => void)[] = [];
  return {
    began,
    run(owner: string, name = owner): Promise<string> {
      return turns.run(owner, async () => {
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

describe('turns', () => {
  it('are a few at one time', async () => {
    const { began, endOne, run } = heldTasks();
    const all = ['a', 'b', 'c', 'd'].map((owner) => run(owner));
    expect(began).toHaveLength(2);
    for (const _ of all) await endOne();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are taken by one owner after the other, however many each waits for', async () => {
    const { began, endOne, run } = heldTasks();
    const all = Array.from({ length: 10 }, (_, i) => run('many', `many ${i}`));
    all.push(run('one', 'one 0'), run('one', 'one 1'), run('other'));
    for (const _ of all) await endOne();
    expect(await Promise.all(all)).toHaveLength(13);
    expect(began.slice(2, 8)).toEqual(['many 2', 'one 0', 'other', 'many 3', 'one 1', 'many 4']);
  });

  it('are bounded for each owner and for all, and can be had again', async () => {
    const { endOne, run } = heldTasks({ each: 3, all: 5 });
    const all = ['a', 'a', 'a', 'b'].map((owner) => run(owner));
    expect(() => run('a')).toThrow('limit waiting of 3 is reached');
    all.push(run('b'));
    expect(() => run('b')).toThrow('limit waiting of 5 is reached');
    await endOne();
    expect(() => run('b', 'again')).not.toThrow();
    for (const _ of all) await endOne();
    expect(await Promise.all(all)).toEqual(['a', 'a', 'a', 'b', 'b']);
  });

  it('go on after a task that fails', async () => {
    const turns = new VerifyTurns({ parallel: 2, each: 5, all: 5, limit: 'waiting' });
    const failing = Array.from({ length: 5 }, () =>
      turns.run('owner', () => Promise.reject(new Error('wrong'))),
    );
    const results = await Promise.allSettled(failing);
    expect(results.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    expect(await turns.run('owner', async () => 'right')).toBe('right');
  });
});
