import { MAX_KNOWN_SANDBOX_CHARACTERS, MAX_KNOWN_SANDBOXES } from '../../limits.ts';
import type { BoundaryRule } from '../boundary.ts';
import { kernelMounts } from './kernel-mounts.ts';
import type { Mounts } from './mounts.ts';
import type { Search } from './search.ts';
import { type Lookout, SearchRecord } from './search-record.ts';

interface Known {
  readonly mounts: Mounts;
  readonly record: SearchRecord;
  /** What was mounted then, as {@link kernelMounts} has it. */
  readonly mounted: readonly BoundaryRule[];
}

/**
 * What was found for sandboxes that were asked for before: most are asked for many times, and what
 * their rules name is mostly the same. Nothing is kept open for that.
 */
export class KnownMounts {
  /** Those that were used last come last. */
  readonly #known = new Map<string, Known>();

  /** What was found for the same that is asked for, as far as that is known: see {@link look}. */
  find(asked: string): Mounts | undefined {
    return this.#known.get(asked)?.mounts;
  }

  /** What would be found now. Where that is something else, what was found is forgotten. */
  look(asked: string): Lookout {
    const known = this.#known.get(asked);
    if (known === undefined) return 'changed';
    this.#known.delete(asked);
    if (known.mounted !== kernelMounts()) return 'changed';
    const found = known.record.look();
    if (found !== 'changed') this.#known.set(asked, known);
    return found;
  }

  /** Remembers what was found by a search, between two looks at what is mounted that saw the same. */
  add(asked: string, search: Search, mounted: readonly BoundaryRule[], mounts: Mounts): void {
    if (asked.length > MAX_KNOWN_SANDBOX_CHARACTERS) return;
    const record = SearchRecord.of(search);
    if (record === undefined) return;
    this.#known.set(asked, { mounts, record, mounted });
    for (const [oldest] of this.#known) {
      if (this.#known.size <= MAX_KNOWN_SANDBOXES) break;
      this.#known.delete(oldest);
    }
  }

  /** Forgets what was found. */
  forget(asked: string): void {
    this.#known.delete(asked);
  }
}
