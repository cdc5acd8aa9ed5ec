import type { Clock } from '../clock.ts';
import { MIN_LEFT_BEHIND_SWEEP } from '../limits.ts';
import type { ProcessTree } from './process-tree.ts';
import { TreeEnding } from './tree-ending.ts';
import type { TreeRegistry } from './tree-registry.ts';

/**
 * The trees of processes that are closed and forgotten: a daemon may be left of one,
 * which has to end with the session all the same. Most have nothing left, which is
 * not looked for each time but when many have come together.
 */
export class LeftBehind {
  readonly #registry: TreeRegistry;
  readonly #clock: Clock;
  #trees = new Set<ProcessTree>();
  #sweepAt = MIN_LEFT_BEHIND_SWEEP;
  readonly #endings = new Set<TreeEnding>();
  #hurried = false;

  constructor(registry: TreeRegistry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  /** How many there are. */
  get size(): number {
    return this.#trees.size;
  }

  /** Takes the tree of a process that exited and is being forgotten. */
  add(tree: ProcessTree): void {
    this.#trees.add(tree);
    if (this.#trees.size < this.#sweepAt) return;
    this.#sweepAt = Number.POSITIVE_INFINITY;
    void this.#sweep();
  }

  /** Ends what is left of all of them. Never rejects. */
  async end(graceMs: number): Promise<void> {
    const trees = [...this.#trees];
    this.#trees.clear();
    await Promise.all(
      trees.map(async (tree) => {
        if (await tree.hasMembers('tree')) await this.#endTree(tree, graceMs);
        this.#registry.remove(tree);
      }),
    );
  }

  /** Has all be killed that is being ended, and whatever is to be from now on. Idempotent. */
  hurry(): void {
    this.#hurried = true;
    for (const ending of this.#endings) ending.shorten(0);
  }

  async #endTree(tree: ProcessTree, graceMs: number): Promise<void> {
    const target = {
      // It hung up when its process ended.
      hangsUp: false,
      leaderExited: () => true,
      collect: () => tree.collect(),
      hasMembers: () => tree.hasMembers('tree'),
      signal: (signal: number) => void tree.signal(signal),
    };
    const ending = new TreeEnding(target, this.#clock, this.#hurried ? 0 : graceMs);
    this.#endings.add(ending);
    await ending.wait();
    this.#endings.delete(ending);
  }

  /** Drops those of which nothing is left. */
  async #sweep(): Promise<void> {
    await Promise.all(
      [...this.#trees].map(async (tree) => {
        if ((await tree.hasMembers('tree')) || !this.#trees.delete(tree)) return;
        this.#registry.remove(tree);
      }),
    );
    this.#sweepAt = Math.max(MIN_LEFT_BEHIND_SWEEP, 2 * this.#trees.size);
  }
}
