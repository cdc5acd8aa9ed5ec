/** Whose something is, and of which session. */
export interface Scope {
  readonly owner: string;
  /** Empty: of none. */
  readonly sessionId: string;
}

/** What somebody sees. */
export interface View {
  /** Whose; undefined: everybody's. */
  readonly owner: string | undefined;
  /** Of which session; undefined: of all. */
  readonly sessionId: string | undefined;
}

/** Numbers and the like: what can be compared by what it is. */
export type Figures = Readonly<Record<string, number | string | boolean | undefined>>;

/** Something as it was at a version. Never changed: another takes its place. */
export interface Item<K, F> {
  readonly key: K;
  readonly scope: Scope;
  /** Its name to whoever sees it. */
  readonly number: number;
  /** The version in which it came. */
  readonly since: number;
  /** The version in which something of it changed last. */
  readonly changed: number;
  readonly figures: F;
}

/** What is to be told to somebody. */
export interface Changes<K, F> {
  /** All is told, and what was told before is to be forgotten. */
  readonly whole: boolean;
  /** The numbers of what is gone. */
  readonly removed: readonly number[];
  /** What is new or has changed. */
  readonly changed: readonly Told<K, F>[];
}

/** What is told of an item. */
export interface Told<K, F> {
  readonly item: Item<K, F>;
  /** It was not told of before. */
  readonly isNew: boolean;
}

/** How versions are kept. */
export interface VersionsOptions {
  /** How many that are gone are remembered, about. */
  readonly maxRemovals: number;
  /** A number at random, so that it says nothing of what others have. */
  readonly newNumber: () => number;
}

interface Removal extends Pick<Item<unknown, unknown>, 'number' | 'scope'> {
  readonly version: number;
}

/**
 * Things that come, change and go, in versions. Whoever knows one version can be told of what is
 * different in the latest: nothing is kept for each of those, but for a while what is gone.
 */
export class Versions<K, F extends Figures> {
  readonly #options: VersionsOptions;
  readonly #items = new Map<K, Item<K, F>>();
  /** The same by their owners, so that one who sees some does not take the time of all. */
  readonly #owned = new Map<string, Map<K, Item<K, F>>>();
  readonly #numbers = new Set<number>();
  #removals: Removal[] = [];
  /** Not all is remembered that went in this version, or before. */
  #forgotten = 0;
  #version = 0;

  constructor(options: VersionsOptions) {
    this.#options = options;
  }

  /** The latest version; 0: there is none. */
  get version(): number {
    return this.#version;
  }

  /** Makes the next version: these are all that there are. */
  update(all: Iterable<readonly [key: K, scope: Scope, figures: F]>): void {
    this.#version += 1;
    const gone = new Map(this.#items);
    for (const [key, scope, figures] of all) {
      gone.delete(key);
      const known = this.#items.get(key);
      if (known === undefined) this.#put(this.#added(key, scope, figures));
      else if (!isSame(known.figures, figures)) {
        this.#put({ ...known, figures, changed: this.#version });
      }
    }
    for (const item of gone.values()) this.#remove(item);
  }

  /** Those that somebody sees, as they are. */
  *seenBy(view: View): Generator<Item<K, F>> {
    const all = view.owner === undefined ? this.#items : this.#owned.get(view.owner);
    for (const item of all?.values() ?? []) if (sees(view, item.scope)) yield item;
  }

  /** What is to be told to somebody who knows a version; 0: none. */
  changes(view: View, known: number): Changes<K, F> {
    const whole = known === 0 || known < this.#forgotten;
    const changed: Told<K, F>[] = [];
    for (const item of this.seenBy(view)) {
      if (whole || item.changed > known) changed.push({ item, isNew: whole || item.since > known });
    }
    const removed = whole ? [] : this.#removals.filter(({ version }) => version > known);
    return {
      whole,
      removed: removed.filter(({ scope }) => sees(view, scope)).map(({ number }) => number),
      changed,
    };
  }

  /** Whoever will ask knows this version by now: what went before need not be remembered. */
  forget(known: number): void {
    const first = this.#removals.findIndex(({ version }) => version > known);
    this.#dropRemovals(first === -1 ? this.#removals.length : first);
  }

  #put(item: Item<K, F>): void {
    const { key, scope } = item;
    this.#items.set(key, item);
    const owned = this.#owned.get(scope.owner);
    if (owned === undefined) this.#owned.set(scope.owner, new Map([[key, item]]));
    else owned.set(key, item);
  }

  #added(key: K, scope: Scope, figures: F): Item<K, F> {
    let number = this.#options.newNumber();
    while (this.#numbers.has(number)) number = this.#options.newNumber();
    this.#numbers.add(number);
    return { key, scope, number, since: this.#version, changed: this.#version, figures };
  }

  #remove({ key, number, scope }: Item<K, F>): void {
    const { maxRemovals } = this.#options;
    this.#items.delete(key);
    this.#numbers.delete(number);
    const owned = this.#owned.get(scope.owner);
    owned?.delete(key);
    if (owned?.size === 0) this.#owned.delete(scope.owner);
    this.#removals.push({ version: this.#version, number, scope });
    // Many at a time, since the others are moved each time.
    if (this.#removals.length > 2 * maxRemovals) {
      this.#dropRemovals(this.#removals.length - maxRemovals);
    }
  }

  #dropRemovals(count: number): void {
    const last = this.#removals[count - 1];
    if (last === undefined) return;
    this.#removals = this.#removals.slice(count);
    this.#forgotten = last.version;
  }
}

function sees(view: View, { owner, sessionId }: Scope): boolean {
  return (
    (view.owner === undefined || view.owner === owner) &&
    (view.sessionId === undefined || view.sessionId === sessionId)
  );
}

function isSame(one: Figures, other: Figures): boolean {
  for (const name in one) if (one[name] !== other[name]) return false;
  return true;
}
