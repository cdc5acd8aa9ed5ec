import type { FileWorkers } from '../files/workers/file-workers.ts';
import type { Placeholder } from './agent/placeholders.ts';

/** Paths that stay what they are, for one sandbox. */
export interface Hold {
  /** These were made for it. They go when nobody holds them any more. */
  adopt(made: readonly Placeholder[]): void;
  /** Idempotent. Never rejects. */
  release(): Promise<void>;
}

/** What is known of a path that is held. */
interface Held {
  sandboxes: number;
  /** What was made there. */
  made: Placeholder | undefined;
  /** Until it is removed. */
  leaving: Promise<void> | undefined;
}

/** The server itself, as one who asks for operations on files. */
const REMOVER = { principal: '', asker: 'sandboxes' };

/**
 * Which paths sandboxes rely on: a mount is gone for all of them when somebody removes what it is
 * on. So a folder that was made to keep a path from being made goes with the last sandbox that
 * relies on it, and none begins to while it goes.
 */
export class Placeholders {
  readonly #held = new Map<string, Held>();
  readonly #workers: FileWorkers;
  readonly #onError: (error: unknown) => void;

  /** @param onError told of what could not be removed: the next server tries it again */
  constructor(workers: FileWorkers, onError: (error: unknown) => void) {
    this.#workers = workers;
    this.#onError = onError;
  }

  /** Paths that are held at the moment. */
  get size(): number {
    return this.#held.size;
  }

  /** Holds paths once nothing at them is about to be removed. */
  async hold(paths: readonly string[]): Promise<Hold> {
    for (;;) {
      const leaving = paths.map((path) => this.#held.get(path)?.leaving).find(Boolean);
      if (leaving === undefined) break;
      await leaving;
    }
    for (const path of paths) this.#entry(path).sandboxes += 1;
    let released: Promise<void> | undefined;
    return {
      adopt: (made) => {
        for (const placeholder of made) this.#entry(placeholder.path).made = placeholder;
      },
      release: () => {
        released ??= this.#release(paths);
        return released;
      },
    };
  }

  #entry(path: string): Held {
    const entry = this.#held.get(path) ?? { sandboxes: 0, made: undefined, leaving: undefined };
    this.#held.set(path, entry);
    return entry;
  }

  async #release(paths: readonly string[]): Promise<void> {
    const leaving: Held[] = [];
    for (const path of paths) {
      const entry = this.#entry(path);
      entry.sandboxes -= 1;
      if (entry.sandboxes > 0) continue;
      if (entry.made === undefined) this.#held.delete(path);
      else leaving.push(entry);
    }
    const made = leaving.flatMap((entry) => entry.made ?? []);
    if (made.length === 0) return;
    const removed = this.#workers.run(REMOVER, 'removePlaceholders', made).catch(this.#onError);
    for (const entry of leaving) entry.leaving = removed;
    await removed;
    for (const { path } of made) this.#held.delete(path);
  }
}
