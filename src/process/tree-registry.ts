import type { ProcessTree } from './process-tree.ts';

/** The trees of which something may be left, by the numbers of their leaders. */
export class TreeRegistry {
  readonly #byLeader = new Map<number, ProcessTree>();

  /** A tree that was just begun: an earlier one of the same number has lost that to it. */
  add(tree: ProcessTree): void {
    this.#byLeader.get(tree.leader)?.numberReused();
    this.#byLeader.set(tree.leader, tree);
  }

  /** Nothing is left of a tree, or nobody will ask for it any more. Idempotent. */
  remove(tree: ProcessTree): void {
    tree.release();
    if (this.#byLeader.get(tree.leader) === tree) this.#byLeader.delete(tree.leader);
  }
}
