import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { ownChildren } from './own-children.ts';

/**
 * How long a check waits for launches, in milliseconds: a few times what one takes. One that
 * hangs must not hold up the end of all that runs, and a look at everything costs no more.
 */
const UNDER_WAY_MS = 50;

/** What a check needs of the children that are launched. */
export interface OrphanCheckOptions {
  /** Whether a child of this process may be an orphan: it was not launched. */
  readonly isOrphan: (child: number) => boolean;
  /** Launches that are under way; each resolves with whether it worked. */
  readonly underWay: ReadonlySet<Promise<boolean>>;
}

/**
 * Whether something may be left of processes that were reaped: without a look at all that
 * run on the machine. What came of one is an orphan, or came of an orphan; and this
 * process is the parent of all orphans.
 */
export class OrphanCheck {
  readonly #options: OrphanCheckOptions;
  #asked: Promise<boolean> | undefined;

  constructor(options: OrphanCheckOptions) {
    this.#options = options;
  }

  /** What is so after it was asked; many that ask at a time are told at once. */
  mayHaveOrphans(): Promise<boolean> {
    this.#asked ??= nextTurn().then(() => {
      this.#asked = undefined;
      return this.#look();
    });
    return this.#asked;
  }

  async #look(): Promise<boolean> {
    const children = ownChildren();
    if (children?.every((child) => !this.#options.isOrphan(child)) !== true) return true;
    // What could not become its program is reaped by the C library, on a thread of its own: that
    // may have hidden another child just now.
    const { underWay } = this.#options;
    if (underWay.size === 0) return false;
    const over = new AbortController();
    const worked = await Promise.race([
      Promise.all(underWay),
      pause(UNDER_WAY_MS, [false], { signal: over.signal }),
    ]);
    over.abort();
    return worked.includes(false);
  }
}
