import { describe, expect, it } from 'vitest';
import { FairTurns } from '../../src/bridge/fair-turns.ts';

/** Turns of an event loop that come when they are told to. */
function rig(perTurn: number) {
  const begun: string[] = [];
  const asked: (() => void)[] = [];
  const turns = new FairTurns<string>({
    perTurn,
    begin: (item) => begun.push(item),
    atNextTurn: (callback) => asked.push(callback),
  });
  return {
    turns,
    add(who: string, count: number): void {
      for (let i = 1; i <= count; i++) turns.add(who, `${who}${i}`);
    },
    /** How many turns are asked for. */
    asked: () => asked.length,
    /** Lets the next turn come, and says what has begun since the last. */
    turn(): string {
      for (const callback of asked.splice(0)) callback();
      return begun.splice(0).join(' ');
    },
    begunNow: () => begun.splice(0).join(' '),
  };
}

describe('what comes while nothing waits', () => {
  it('begins at once, and no turn comes for nothing', () => {
    const { add, asked, begunNow, turn } = rig(2);
    expect(asked()).toBe(0);
    add('a', 1);
    expect([begunNow(), asked()]).toEqual(['a1', 1]);
    expect([turn(), asked()]).toEqual(['', 0]);
    add('b', 1);
    expect(begunNow()).toBe('b1');
  });
});

describe('what is more than begins in a turn', () => {
  it('waits for the next ones, in its order', () => {
    const { add, asked, begunNow, turn } = rig(2);
    add('a', 5);
    expect(begunNow()).toBe('a1 a2');
    expect([turn(), turn(), turn(), asked()]).toEqual(['a3 a4', 'a5', '', 0]);
  });

  it('begins by turns, one of each from whom it comes', () => {
    const { add, begunNow, turn } = rig(3);
    add('a', 9);
    add('b', 2);
    add('c', 1);
    expect(begunNow()).toBe('a1 a2 a3');
    expect([turn(), turn(), turn()]).toEqual(['a4 b1 c1', 'a5 b2 a6', 'a7 a8 a9']);
  });

  it('lets nobody wait for all of it who comes later', () => {
    const { add, begunNow, turn } = rig(1);
    add('a', 100);
    expect([begunNow(), turn()]).toEqual(['a1', 'a2']);
    add('b', 1);
    expect([begunNow(), turn(), turn()]).toEqual(['', 'a3', 'b1']);
  });

  it('does not begin when it was removed', () => {
    const { add, asked, turn, turns } = rig(1);
    add('a', 3);
    expect(turns.waiting('a')).toBe(2);
    turns.remove('a', 'a2');
    turns.remove('a', 'a1');
    turns.remove('b', 'b1');
    expect([turns.waiting('a'), turn()]).toEqual([1, 'a1 a3']);
    expect([turns.waiting('a'), turn(), asked()]).toEqual([0, '', 0]);
  });
});
