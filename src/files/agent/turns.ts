import { FILE_TURN_MS } from '../../limits.ts';

/** How long an operation has been at work without a break for others. */
export class Turn {
  #until = performance.now() + FILE_TURN_MS;

  /** Lets others have theirs when it has lasted long enough: for `yield*`, often. */
  *rest(): Generator<undefined, void> {
    if (performance.now() < this.#until) return;
    yield;
    this.#until = performance.now() + FILE_TURN_MS;
  }
}
