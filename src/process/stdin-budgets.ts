import { limitExceeded } from '../errors.ts';
import type { PrincipalLimits } from '../policy/principal-limits.ts';
import { Tally } from '../policy/tally.ts';

/** How many bytes of stdin may wait for the processes of one principal together. */
export interface StdinBudget {
  /**
   * Takes some for a write that waits.
   *
   * @throws RunletError `LIMIT_EXCEEDED`
   */
  take(bytes: number): void;
  /** Gives back what was taken. */
  give(bytes: number): void;
}

/** The budgets of all principals, each of which is counted while something waits. */
export class StdinBudgets {
  readonly #limits: PrincipalLimits;
  readonly #waiting = new Tally();

  constructor(limits: PrincipalLimits) {
    this.#limits = limits;
  }

  /** How many principals have something that waits. */
  get size(): number {
    return this.#waiting.size;
  }

  /** The budget of a principal. */
  of(principal: string): StdinBudget {
    return {
      take: (bytes) => {
        const { maxPrincipalStdinBytes } = this.#limits.of(principal);
        if (this.#waiting.of(principal) + bytes > maxPrincipalStdinBytes) {
          throw limitExceeded('max_principal_stdin_bytes', maxPrincipalStdinBytes);
        }
        this.#waiting.add(principal, bytes);
      },
      give: (bytes) => this.#waiting.remove(principal, bytes),
    };
  }
}
