import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Resolver } from '../../src/network/resolver.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A lookup whose answers the test gives, and what was looked up, in order. */
function heldLookup() {
  const asked: string[] = [];
  const held = new Map<string, PromiseWithResolvers>();
  return {
    asked,
    lookup(name: string): Promise<readonly string[]> {
      asked.push(name);
      const answer = withResolvers();
      held.set(name, answer);
      return answer.promise;
    },
    answer: (name: string): void => held.get(name)?.resolve([`of ${name}`]),
    fail: (name: string, error: Error): void => held.get(name)?.reject(error),
  };
}

interface PromiseWithResolvers {
  readonly promise: Promise<readonly string[]>;
  readonly resolve: (addresses: readonly string[]) => void;
  readonly reject: (error: Error) => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: PromiseWithResolvers['resolve'] = () => {};
  let reject: PromiseWithResolvers['reject'] = () => {};
  const promise = new Promise<readonly string[]>((onResolved, onRejected) => {
    resolve = onResolved;
    reject = onRejected;
  });
  return { promise, resolve, reject };
}

const who = (principal: string, asker: unknown = principal) => ({ principal, asker });
const never = new AbortController().signal;

/** Lets all that is ready go on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('names', () => {
  it('are looked up with principals in turn, and of one those who ask', async () => {
    const { asked, answer, lookup } = heldLookup();
    const resolver = new Resolver({ lookup, maxUnderWay: 1, maxOfPrincipal: 1 });
    const names = ['a1', 'a2', 'a3', 'a-other', 'b1', 'c1', 'c2'];
    const all = names.map((name) => {
      const [principal = ''] = name;
      return resolver.resolve(name, who(principal, name.slice(1, 2) === '-' ? 'y' : 'x'), never);
    });
    for (let i = 0; i < names.length; i++) {
      await settled();
      answer(asked[i] ?? '');
    }
    expect(await Promise.all(all)).toEqual(names.map((name) => [`of ${name}`]));
    expect(asked).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a-other', 'a3']);
    expect([resolver.underWay, resolver.principals]).toEqual([0, 0]);
  });

  it('that hang leave room for those of others', async () => {
    const { asked, answer, lookup } = heldLookup();
    const resolver = new Resolver({ lookup, maxUnderWay: 2, maxOfPrincipal: 1 });
    const hanging = Array.from({ length: 100 }, (_, i) =>
      resolver.resolve(`hangs-${i}`, who('a'), never),
    );
    for (let i = 0; i < 10; i++) {
      const found = resolver.resolve(`b${i}`, who('b'), never);
      await settled();
      answer(`b${i}`);
      expect(await found).toEqual([`of b${i}`]);
    }
    expect(asked.filter((name) => name.startsWith('hangs'))).toEqual(['hangs-0']);
    expect(resolver.underWay).toBe(1);
    for (let i = 0; i < hanging.length; i++) {
      await settled();
      answer(`hangs-${i}`);
    }
    await Promise.all(hanging);
    expect([resolver.underWay, resolver.principals]).toEqual([0, 0]);
  });

  it('of one principal wait in a bounded number, and of others all the same', async () => {
    const { lookup } = heldLookup();
    const options = { lookup, maxUnderWay: 1, maxOfPrincipal: 1, maxWaiting: 3 };
    const resolver = new Resolver(options);
    for (let i = 0; i < 3; i++) void resolver.resolve(`a${i}`, who('a'), never);
    await expect(resolver.resolve('a3', who('a'), never)).rejects.toMatchObject({
      reason: 'LIMIT_EXCEEDED',
      details: { metadata: { limit: 'max_principal_lookups', maximum: '3' } },
    });
    const giving = new AbortController();
    const other = resolver.resolve('b', who('b'), giving.signal);
    giving.abort(new Error('enough'));
    await expect(other).rejects.toThrow('enough');
  });

  it('that are not found say so, and leave their place', async () => {
    const { fail, lookup } = heldLookup();
    const resolver = new Resolver({ lookup, maxUnderWay: 1, maxOfPrincipal: 1 });
    const found = resolver.resolve('a', who('a'), never);
    fail('a', new Error('ENOTFOUND'));
    await expect(found).rejects.toThrow('ENOTFOUND');
    expect([resolver.underWay, resolver.principals]).toEqual([0, 0]);
  });
});

describe('who gives up', () => {
  it('is freed at once where the lookup hangs, which keeps its place alone', async () => {
    const { answer, asked, lookup } = heldLookup();
    const resolver = new Resolver({ lookup, maxUnderWay: 2, maxOfPrincipal: 2 });
    const giving = new AbortController();
    const first = resolver.resolve('hangs', who('a'), giving.signal);
    await settled();
    giving.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    expect(resolver.underWay).toBe(1);
    const second = resolver.resolve('b', who('a'), never);
    await settled();
    answer('b');
    expect(await second).toEqual(['of b']);
    answer('hangs');
    await settled();
    expect(asked).toEqual(['hangs', 'b']);
    expect([resolver.underWay, resolver.principals]).toEqual([0, 0]);
  });

  it('before a turn is never looked up for, and nobody after it is held up', async () => {
    const { answer, asked, lookup } = heldLookup();
    const resolver = new Resolver({ lookup, maxUnderWay: 1, maxOfPrincipal: 1 });
    const first = resolver.resolve('first', who('a'), never);
    const giving = new AbortController();
    const given = ['b', 'a'].map((principal) =>
      resolver.resolve('given up', who(principal), giving.signal),
    );
    const last = resolver.resolve('last', who('a'), never);
    giving.abort(new Error('enough'));
    for (const each of given) await expect(each).rejects.toThrow('enough');
    answer('first');
    await first;
    await settled();
    answer('last');
    expect(await last).toEqual(['of last']);
    expect(asked).toEqual(['first', 'last']);
    expect([resolver.underWay, resolver.principals]).toEqual([0, 0]);
  });

  it('leaves nothing behind, however often while a lookup hangs', async () => {
    const { answer, asked, lookup } = heldLookup();
    const resolver = new Resolver({
      lookup,
      maxUnderWay: 1,
      maxOfPrincipal: 1,
      maxWaiting: 10,
    });
    const hanging = resolver.resolve('hangs', who('a'), never);
    const waiting = resolver.resolve('waits', who('a'), never);
    const kept: WeakRef<object>[] = [];
    for (let i = 0; i < 2_000; i++) {
      const giving = new AbortController();
      const asker = { i };
      kept.push(new WeakRef(asker));
      const given = resolver.resolve(`given ${i}`, who('a', asker), giving.signal);
      giving.abort(new Error('enough'));
      await expect(given).rejects.toThrow('enough');
      expect(getEventListeners(giving.signal, 'abort')).toEqual([]);
    }
    // A few are not worth the effort to take them out.
    await expect
      .poll(() => {
        collectGarbage();
        return kept.filter((ref) => ref.deref() !== undefined).length;
      })
      .toBeLessThan(50);
    answer('hangs');
    await hanging;
    await settled();
    answer('waits');
    await waiting;
    expect(asked).toEqual(['hangs', 'waits']);
    expect([resolver.underWay, resolver.principals]).toEqual([0, 0]);
  });
});
