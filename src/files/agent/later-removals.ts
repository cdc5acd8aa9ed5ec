import { setImmediate, setTimeout } from 'node:timers';
import { MAX_LATER_REMOVALS, REMOVE_AGAIN_MS } from '../../limits.ts';
import type { TemporaryRecord } from '../temporary-record.ts';

/** What could not be removed yet, and what is done when it is. */
interface Pending {
  readonly record: TemporaryRecord;
  readonly done: () => void;
}

/**
 * Removes what could not be removed when it was over with, for want of a descriptor for example:
 * tries again from time to time until it is gone, or the thread ends.
 */
export class LaterRemovals {
  readonly #remove: (record: TemporaryRecord) => Generator<undefined, void>;
  #pending: Pending[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(remove: (record: TemporaryRecord) => Generator<undefined, void>) {
    this.#remove = remove;
  }

  /** It is tried again. What is too much stays on record, for the next server. */
  add(record: TemporaryRecord, done: () => void): void {
    if (this.#pending.length >= MAX_LATER_REMOVALS) return;
    this.#pending.push({ record, done });
    this.#schedule();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#tryAll();
    }, REMOVE_AGAIN_MS).unref();
  }

  async #tryAll(): Promise<void> {
    const all = this.#pending;
    this.#pending = [];
    for (const pending of all) {
      try {
        for (const _turn of this.#remove(pending.record)) await nextTurn();
        pending.done();
      } catch {
        this.#pending.push(pending);
      }
    }
    if (this.#pending.length > 0) this.#schedule();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
