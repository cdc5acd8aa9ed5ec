import { MAX_KNOWN_SANDBOX_CHARACTERS, MAX_KNOWN_SANDBOXES } from '../../limits.ts';
import type { BoundaryRule } from '../boundary.ts';
import { kernelMounts } from './kernel-mounts.ts';
import type { Mounts } from './mounts.ts';
import type { Search } from './search.ts';
import { SearchRecord } from './search-record.ts';

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

  /** What would be found again for the same that was asked for, as far as that is known. */
  find(asked: string): Mounts | undefined {
    const known = this.#known.get(asked);
    if (known === undefined) return undefined;
    this.#known.delete(asked);
    if (known.mounted !== kernelMounts() || !known.record.holds()) return undefined;
    this.#known.set(asked, known);
    return known.mounts;
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
