import { setTimeout as delay } from 'node:timers/promises';
import type { KinMarks } from './kin-marks.ts';
import { childWith } from './kinship.ts';
import { Slots } from './slots.ts';

/** After how many milliseconds a spawn is slow, and it is looked whether others may begin. */
const SLOW_MS = 10;

/**
 * Makes children that have marks. A mark is worn while a child is made, so this is
 * done for one at a time. A spawn ends when the child is its program, which may take
 * long where a disk is slow; so when one takes its time, it is looked whether the
 * child is there, which has its mark then, and the next one begins.
 */
export class MarkedSpawns {
  readonly #marks: KinMarks;
  readonly #turn = new Slots(1);
  /** Those of children that are being made. */
  readonly #making = new Set<bigint>();

  constructor(marks: KinMarks) {
    this.#marks = marks;
  }

  /** Whether a child with this mark is being made: its pid is not known yet. */
  isMaking(mark: bigint): boolean {
    return this.#making.has(mark);
  }

  /** Makes a child that has a mark; `begin` resolves with its pid when it is its program. */
  async spawn(mark: bigint, begin: () => Promise<number>): Promise<number> {
    this.#making.add(mark);
    try {
      const { pid } = await this.#turn.use(async () => {
        this.#marks.wear(mark);
        try {
          const spawning = begin();
          await this.#childIsMade(mark, spawning);
          // Not the promise itself, which would be waited for.
          return { pid: spawning };
        } finally {
          this.#marks.wear(undefined);
        }
      });
      return await pid;
    } finally {
      this.#making.delete(mark);
    }
  }

  /** Resolves when a spawn is over, or is slow and its child has the mark. */
  async #childIsMade(mark: bigint, spawning: Promise<number>): Promise<void> {
    const over = new AbortController();
    const settled = spawning.then(
      () => over.abort(),
      () => over.abort(),
    );
    const seen = async (): Promise<void> => {
      do await delay(SLOW_MS, undefined, { signal: over.signal });
      while (childWith(mark, this.#marks) === undefined);
    };
    await Promise.race([settled, seen().catch(() => {})]);
  }
}
