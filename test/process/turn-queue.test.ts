import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asker, TurnQueue } from '../../src/turn-queue.ts';

describe('what waits for its turn', () => {
  it('is of principals in turn, however many sessions one of them has', () => {
    const queue = new TurnQueue<string>();
    for (let i = 0; i < 1000; i++) queue.push({ principal: 'many', asker: i }, 'many');
    for (let i = 0; i < 3; i++) queue.push({ principal: 'few', asker: 0 }, 'few');
    const order = Array.from({ length: 8 }, () => queue.shift());
    expect(order).toEqual(['many', 'few', 'many', 'few', 'many', 'few', 'many', 'many']);
  });

  it('is of the sessions of one principal in turn', () => {
    const queue = new TurnQueue<number>();
    for (const asker of [1, 1, 1, 2, 3, 3]) queue.push({ principal: 'one', asker }, asker);
    expect(queue.clear()).toEqual([1, 2, 3, 1, 3, 1]);
    expect(queue.shift()).toBeUndefined();
  });

  it('comes once, in the order of whoever asked, and others at most once in between', () => {
    const some = fc.record({ principal: fc.constantFrom('a', 'b', 'c'), asker: fc.nat(3) });
    const property = fc.property(fc.array(some, { maxLength: 80 }), (askers) => {
      const queue = new TurnQueue<Asker & { readonly nth: number }>();
      for (const [nth, asker] of askers.entries()) queue.push(asker, { ...asker, nth });
      const order = queue.clear();
      expect(order.map(({ nth }) => nth).sort((a, b) => a - b)).toEqual([...askers.keys()]);
      const rest = [...order];
      for (let item = rest.shift(); item !== undefined; item = rest.shift()) {
        const { asker, nth, principal } = item;
        const later = rest.filter((one) => one.principal === principal);
        // Of one who asks the order is kept.
        const same = later.filter((one) => one.asker === asker);
        expect(same.every((one) => one.nth > nth)).toBe(true);
        // Until the principal's next turn, each of the others has one at most.
        const next = rest.findIndex((one) => one.principal === principal);
        const between = rest.slice(0, Math.max(next, 0)).map((one) => one.principal);
        expect(new Set(between).size).toBe(between.length);
        // And of it each who asks.
        const again = later.findIndex((one) => one.asker === asker);
        const askersBetween = later.slice(0, Math.max(again, 0)).map((one) => one.asker);
        expect(new Set(askersBetween).size).toBe(askersBetween.length);
      }
    });
    fc.assert(property);
  });
});
