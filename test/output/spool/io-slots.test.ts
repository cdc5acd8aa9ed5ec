import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { IoSlots } from '../../../src/output/spool/io-slots.ts';

/** Operations that end when they are told to, and the order in which they began. */
class Operations {
  readonly begun: string[] = [];
  readonly slots: IoSlots;
  readonly #ends: (() => void)[] = [];

  constructor(limit: number) {
    this.slots = new IoSlots(limit);
  }

  start(owner: object, name: string): Promise<string> {
    return this.slots.run(owner, async () => {
      this.begun.push(name);
      await new Promise<void>((resolve) => this.#ends.push(resolve));
      return name;
    });
  }

  /** Ends the oldest one, and lets what follows from that happen. */
  async endOne(): Promise<void> {
    this.#ends.shift()?.();
    await turn();
  }
}

describe('slots for operations', () => {
  it('begin no more than there are, and the next when one is over', async () => {
    const operations = new Operations(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => operations.start({}, name));
    expect(operations.begun).toEqual(['a', 'b']);
    await operations.endOne();
    expect(operations.begun).toEqual(['a', 'b', 'c']);
    for (const _ of all) await operations.endOne();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('go round the owners, each in its own order', async () => {
    const operations = new Operations(1);
    const [one, two, three] = [{}, {}, {}];
    const all = [
      operations.start(one, 'one-1'),
      operations.start(one, 'one-2'),
      operations.start(one, 'one-3'),
      operations.start(one, 'one-4'),
      operations.start(two, 'two-1'),
      operations.start(two, 'two-2'),
      operations.start(three, 'three-1'),
    ];
    for (const _ of all) await operations.endOne();
    await Promise.all(all);
    expect(operations.begun).toEqual([
      'one-1',
      'one-2',
      'two-1',
      'three-1',
      'one-3',
      'two-2',
      'one-4',
    ]);
  });

  it('are free again after a failure', async () => {
    const slots = new IoSlots(1);
    const failing = slots.run({}, () => Promise.reject(new Error('no')));
    const next = slots.run({}, () => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
    expect(await slots.run({}, () => Promise.resolve('again'))).toBe('again');
  });
});
