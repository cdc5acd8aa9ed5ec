import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Changes,
  type Scope,
  Versions,
  type View,
} from '../../../src/server/stats/versions.ts';

type Value = { readonly size: number; readonly on: boolean };

const ALL: View = { owner: undefined, sessionId: undefined };
const VIEWS: readonly View[] = [
  ALL,
  { owner: 'ada', sessionId: undefined },
  { owner: 'bob', sessionId: undefined },
  { owner: 'ada', sessionId: 's1' },
];

/** What somebody knows who does what is said of changes. */
class Reader {
  readonly view: View;
  /** 0: nothing so far. */
  version = 0;
  readonly known = new Map<number, Value & { readonly key: string }>();
  /** What was told as new, by its number. */
  #keys = new Map<number, string>();

  constructor(view: View) {
    this.view = view;
  }

  take(changes: Changes<string, Value>, version: number): void {
    if (changes.whole) {
      this.known.clear();
      this.#keys.clear();
    }
    for (const number of changes.removed) {
      this.known.delete(number);
      this.#keys.delete(number);
    }
    for (const { isNew, item } of changes.changed) {
      if (isNew) this.#keys.set(item.number, item.key);
      const key = this.#keys.get(item.number);
      if (key === undefined) throw new Error('it was not told of as new');
      this.known.set(item.number, { key, ...item.figures });
    }
    this.version = version;
  }
}

interface Step {
  /** What there is then, by its key. */
  readonly all: Readonly<Record<string, Value>>;
  /** Which readers read. */
  readonly reads: readonly boolean[];
}

/** A key says whose it is. */
function scopeOf(key: string): Scope {
  return { owner: key.startsWith('a') ? 'ada' : 'bob', sessionId: key.endsWith('1') ? 's1' : 's2' };
}

const KEYS = ['a1', 'a2', 'aa1', 'b1', 'b2', 'bb2'];
const value = fc.record({ size: fc.nat(2), on: fc.boolean() });
const step: fc.Arbitrary<Step> = fc.record({
  all: fc.dictionary(fc.constantFrom(...KEYS), value, { noNullPrototype: true }),
  reads: fc.array(fc.boolean(), { minLength: VIEWS.length, maxLength: VIEWS.length }),
});

function expected(all: Step['all'], view: View) {
  return Object.entries(all)
    .filter(([key]) => {
      const { owner, sessionId } = scopeOf(key);
      return (view.owner ?? owner) === owner && (view.sessionId ?? sessionId) === sessionId;
    })
    .map(([key, figures]) => ({ key, ...figures }))
    .sort((a, b) => a.key.localeCompare(b.key));
}

describe('changes', () => {
  it('make what was known into what there is, for whoever missed however many', () => {
    const run = fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.integer({ min: 1, max: 4 }),
      fc.infiniteStream(fc.nat(3)),
      (steps, maxRemovals, numbers) => {
        // Numbers of which there are few are used again.
        let fallback = 0;
        const newNumber = (): number => {
          fallback += 1;
          return fallback % 3 === 0 ? fallback : numbers.next().value;
        };
        const versions = new Versions<string, Value>({ maxRemovals, newNumber });
        const readers = VIEWS.map((view) => new Reader(view));
        for (const { all, reads } of steps) {
          versions.update(
            Object.entries(all).map(([key, figures]) => [key, scopeOf(key), figures] as const),
          );
          for (const [index, reader] of readers.entries()) {
            if (reads[index] !== true) continue;
            const changes = versions.changes(reader.view, reader.version);
            reader.take(changes, versions.version);
            const known = [...reader.known.values()].sort((a, b) => a.key.localeCompare(b.key));
            expect(known).toEqual(expected(all, reader.view));
          }
          versions.forget(Math.min(...readers.map(({ version }) => version)));
        }
      },
    );
    fc.assert(run, { numRuns: 500 });
  });

  it('tell nothing of what did not change', () => {
    const versions = new Versions<string, Value>({ maxRemovals: 10, newNumber: counter() });
    const all = KEYS.map((key) => [key, scopeOf(key), { size: 1, on: true }] as const);
    versions.update(all);
    const known = versions.version;
    versions.update(all.map(([key, scope, figures]) => [key, scope, { ...figures }] as const));
    expect(versions.changes(ALL, known)).toEqual({ whole: false, removed: [], changed: [] });
    versions.update(
      all.map(([key, scope]) => [key, scope, { size: key === 'b1' ? 2 : 1, on: true }]),
    );
    expect(versions.changes(ALL, known)).toMatchObject({
      whole: false,
      changed: [{ isNew: false, item: { key: 'b1', figures: { size: 2, on: true } } }],
    });
  });

  it('are the whole for whoever missed more than is remembered', () => {
    const versions = new Versions<string, Value>({ maxRemovals: 2, newNumber: counter() });
    const one = (key: string) => [key, scopeOf(key), { size: 1, on: true }] as const;
    versions.update([one('a1')]);
    const known = versions.version;
    // What is gone is dropped once there is twice as much of it.
    for (let i = 0; i < 5; i++) versions.update([one(`a${i}2`)]);
    expect(versions.changes(ALL, known).whole).toBe(true);
    expect(versions.changes(ALL, versions.version)).toMatchObject({ whole: false, changed: [] });
  });
});

function counter(): () => number {
  let last = 0;
  return () => {
    last += 1;
    return last;
  };
}
