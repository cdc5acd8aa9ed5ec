import { describe, expect, it } from 'vitest';
import { inTurns } from '../../src/bridge/in-turns.ts';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

describe('messages that are all there at once', () => {
  it('leave the event loop to others after a few of them', async () => {
    let inThisTurn = 0;
    let most = 0;
    const taken: number[] = [];
    const turn = (): void => {
      inThisTurn = 0;
      immediate = setImmediate(turn);
    };
    let immediate = setImmediate(turn);
    for await (const value of inTurns(numbers(1000), 10)) {
      taken.push(value);
      inThisTurn += 1;
      most = Math.max(most, inThisTurn);
    }
    clearImmediate(immediate);
    expect(taken).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(most).toBeLessThanOrEqual(20);
  });
});
