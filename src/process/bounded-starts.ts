import type { Clock } from '../clock.ts';
import { MAX_START_MS } from '../limits.ts';
import type { Asker } from '../turn-queue.ts';
import type { Launcher } from './launcher.ts';
import { PlaceChecks, type StartPlace } from './place-check.ts';
import { startFailure } from './start-failure.ts';
import { StartTurns } from './start-turns.ts';

/**
 * Bounds what starts take of what all share, though file systems may not answer: threads, by
 * turns; time, after which a start fails. While one hangs, others begin only where a process of
 * its own has found that what they look at answers, so that a mount that does not takes no
 * more threads than it had before that was noticed.
 */
export class BoundedStarts {
  readonly #clock: Clock;
  readonly #turns: StartTurns;
  readonly #checks: PlaceChecks;
  /** One for each that is under way. */
  readonly #begun = new Set<AbortController>();

  /** `threads`: those of the pool that starts share with everything else. */
  constructor(launcher: Launcher, clock: Clock, threads: number) {
    this.#clock = clock;
    this.#turns = new StartTurns(clock, threads);
    this.#checks = new PlaceChecks(launcher, clock);
  }

  /**
   * Does a start in its turn. `signal` aborts when it took too long, or all are given up:
   * whatever comes of it then is nobody's. `place` is called where it has to be looked at before.
   *
   * @throws RunletError `START_FAILED`, or what the start throws
   */
  async use<T>(
    who: Asker,
    place: () => Promise<StartPlace>,
    start: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const checked = this.#turns.hanging;
      if (checked) await this.#checks.answer(await place());
      const done = await this.#inTurn(who, checked, start);
      if (done !== undefined) return done.value;
    }
  }

  /** Gives up all that are under way, each of which fails with an error. */
  giveUp(error: Error): void {
    for (const begun of this.#begun) begun.abort(error);
  }

  /** Undefined: one has begun to hang meanwhile. */
  #inTurn<T>(
    who: Asker,
    checked: boolean,
    start: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ readonly value: T } | undefined> {
    return new Promise((resolve, reject) => {
      const turn = this.#turns.use(who, async () => {
        if (this.#turns.hanging && !checked) return undefined;
        const begun = new AbortController();
        begun.signal.addEventListener('abort', () => reject(begun.signal.reason));
        const timer = this.#clock.setTimer(MAX_START_MS, () => begun.abort(tookTooLong()));
        this.#begun.add(begun);
        try {
          return { value: await start(begun.signal) };
        } finally {
          timer.cancel();
          this.#begun.delete(begun);
        }
      });
      turn.then(resolve, reject);
    });
  }
}

function tookTooLong(): Error {
  return startFailure('SPAWN', 'ETIMEDOUT', 'the start took too long: ETIMEDOUT');
}
