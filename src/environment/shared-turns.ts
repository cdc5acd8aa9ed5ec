import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Divides work that may be long over turns of the event loop, that of all who share this: so
 * much is done in one turn, however many of them work at that time, and who has to wait goes
 * on in turn.
 */
export class SharedTurns {
  readonly #perTurn: number;
  #spent = 0;
  /** Settles when everybody who waits has gone on. */
  #queue: Promise<unknown> = Promise.resolve();

  /** `perTurn`: what may be spent in one turn, in whatever unit those who spend have. */
  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  /** To be called before some work; what it returns, if anything, has to be waited for. */
  spend(cost: number): Promise<void> | undefined {
    if (this.#spent + cost <= this.#perTurn) {
      this.#spent += cost;
      return undefined;
    }
    const turn = this.#queue.then(async () => {
      await nextTurn();
      this.#spent = cost;
    });
    this.#queue = turn;
    return turn;
  }
}
