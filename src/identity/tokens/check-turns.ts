import { RunletError } from '../../errors.ts';
import { MAX_TOKEN_CHECKS, MAX_WAITING_TOKEN_CHECKS } from '../../limits.ts';
import { SECOND } from '../../units.ts';

type Check = () => Promise<void>;

/**
 * Has signatures be verified, a few at one time, and in turn for each key: whoever sends any number
 * of tokens that only look like ones of a key keeps those of other keys from nothing.
 */
export class CheckTurns {
  readonly #waiting = new Map<string, Check[]>();
  #running = 0;

  /**
   * Does a check when its turn comes.
   *
   * @throws RunletError `LIMIT_EXCEEDED` if too many of this key wait
   */
  take<T>(key: string, check: () => Promise<T>): Promise<T> {
    const waiting = this.#waiting.get(key) ?? [];
    if (waiting.length >= MAX_WAITING_TOKEN_CHECKS) throw tooMany();
    this.#waiting.set(key, waiting);
    const done = new Promise<T>((resolve, reject) => {
      waiting.push(() => check().then(resolve, reject));
    });
    this.#next();
    return done;
  }

  #next(): void {
    while (this.#running < MAX_TOKEN_CHECKS) {
      const [turn] = this.#waiting;
      if (turn === undefined) return;
      const [key, waiting] = turn;
      const check = waiting.shift();
      // To the end of the row.
      this.#waiting.delete(key);
      if (waiting.length > 0) this.#waiting.set(key, waiting);
      if (check === undefined) continue;
      this.#running += 1;
      void check().finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }
}

function tooMany(): RunletError {
  const maximum = String(MAX_WAITING_TOKEN_CHECKS);
  return new RunletError('LIMIT_EXCEEDED', {
    message: 'too many tokens of this key are new at one time',
    metadata: { limit: 'waiting_token_checks', maximum },
    retryAfterMs: SECOND,
  });
}
