import { FILE_TURN_MS } from '../../limits.ts';

/** Looks at the clock after so many steps: more often would be a part of the work itself. */
const STEPS = 8;

/** The turn of an operation: after some milliseconds' work others have theirs. */
export class Turn {
  #ends = performance.now() + FILE_TURN_MS;
  #steps = 0;

  /** One step more is done: whether others have a turn now. */
  step(): boolean {
    this.#steps += 1;
    return this.#steps % STEPS === 0 && performance.now() >= this.#ends;
  }

  /** Another turn begins. */
  begin(): void {
    this.#ends = performance.now() + FILE_TURN_MS;
  }
}
