/** Something that happened to a file. Paths are texts of system-text.ts. */
export interface Change {
  readonly kind: 'created' | 'modified' | 'removed' | 'moved' | 'attributes';
  readonly path: string;
  /** Of one that was moved: where it was. */
  readonly from?: string;
}

/** What is told of a watched folder. */
export type WatchMessage =
  | { readonly kind: 'started' }
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }
  | { readonly kind: 'overflow' };

/** Gathers changes, of which one that says the same as the one before is not told. */
export class Changes {
  #changes: Change[] = [];

  get length(): number {
    return this.#changes.length;
  }

  add(change: Change): void {
    const last = this.#changes.at(-1);
    const isSame =
      last?.kind === change.kind && last.path === change.path && last.from === change.from;
    if (!isSame) this.#changes.push(change);
  }

  /** Takes all that there are. */
  take(): WatchMessage {
    const changes = this.#changes;
    this.#changes = [];
    return { kind: 'changes', changes };
  }
}
