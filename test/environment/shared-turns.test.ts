import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SharedTurns } from '../../src/environment/shared-turns.ts';

/** Spends one at a time, and says in which turn of the event loop each was. */
async function spendAll(turns: SharedTurns, count: number, turnOf: () => number) {
  const done: number[] = [];
  for (let i = 0; i < count; i++) {
    const pause = turns.spend(1);
    if (pause !== undefined) await pause;
    done.push(turnOf());
  }
  return done;
}

/** Counts the turns of the event loop while something goes on. */
async function countTurns<T>(work: (turnOf: () => number) => Promise<T>): Promise<T> {
  let turn = 0;
  let over = false;
  const counting = (async () => {
    while (!over) {
      await nextTurn();
      turn += 1;
    }
  })();
  const result = await work(() => turn);
  over = true;
  await counting;
  return result;
}

describe('shared turns', () => {
  it('cost nothing while little is done', () => {
    const turns = new SharedTurns(100);
    for (let i = 0; i < 100; i++) expect(turns.spend(1)).toBeUndefined();
    expect(turns.spend(1)).toBeInstanceOf(Promise);
  });

  it('hold what all together do in one turn', async () => {
    const turns = new SharedTurns(10);
    const done = await countTurns((turnOf) =>
      Promise.all(Array.from({ length: 5 }, () => spendAll(turns, 20, turnOf))),
    );
    const perTurn = new Map<number, number>();
    for (const turn of done.flat()) perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1);
    expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(10);
  });

  it('let those who wait go on in turn', async () => {
    const turns = new SharedTurns(1);
    void turns.spend(1);
    const order: string[] = [];
    await Promise.all(
      ['a', 'b'].map(async (who) => {
        for (let i = 0; i < 3; i++) {
          await turns.spend(1);
          order.push(who);
        }
      }),
    );
    expect(order.join('')).toBe('ababab');
  });
});
