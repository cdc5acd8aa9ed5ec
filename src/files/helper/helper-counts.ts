import { limitExceeded } from '../../errors.ts';
import { MAX_PRINCIPAL_SANDBOX_HELPERS, MAX_SANDBOX_HELPERS } from '../../limits.ts';

/** A helper that there is. */
interface Counted {
  readonly principal: string;
  /** Ends it if it has nothing to do. @returns whether it does end */
  readonly endIdle: () => boolean;
  /** It was told to end, and its process is there still. */
  ending: boolean;
}

/** How many helpers there are, of each principal and of all. */
export class HelperCounts {
  /** The one that was begun first comes first. */
  readonly #all = new Set<Counted>();

  /** Helpers that there are, those that end among them. */
  get size(): number {
    return this.#all.size;
  }

  /**
   * Counts one more, for which one may be ended that has nothing to do.
   *
   * @param endIdle ends this one if it has nothing to do, and says whether it did
   * @throws RunletError `LIMIT_EXCEEDED`
   */
  enter(
    principal: string,
    endIdle: () => boolean,
  ): { readonly ending: () => void; readonly gone: () => void } {
    this.#makeRoom(MAX_PRINCIPAL_SANDBOX_HELPERS, 'max_principal_sandbox_helpers', principal);
    this.#makeRoom(MAX_SANDBOX_HELPERS, 'max_sandbox_helpers', undefined);
    const counted: Counted = { principal, endIdle, ending: false };
    this.#all.add(counted);
    return {
      ending: () => {
        counted.ending = true;
      },
      gone: () => void this.#all.delete(counted),
    };
  }

  /** One that was told to end takes its time, of which there may be as many again: it may hang. */
  #makeRoom(maximum: number, limit: string, principal: string | undefined): void {
    const counted = [...this.#all].filter(
      (one) => principal === undefined || one.principal === principal,
    );
    const running = counted.filter(({ ending }) => !ending);
    const isFull = running.length >= maximum && !running.some(({ endIdle }) => endIdle());
    if (isFull || counted.length >= 2 * maximum) throw limitExceeded(limit, maximum);
  }
}
