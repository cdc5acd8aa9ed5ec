import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';

/** Looks that are taken at proc(5) in one turn of the event loop, each of some 5 µs. */
const LOOKS_IN_A_TURN = 64;

/** Long work that lets others have their turns, and ends after a time. */
export class Turns {
  readonly #clock: Clock;
  readonly #end: number;
  readonly #signal: AbortSignal;
  #looks = 0;

  constructor(clock: Clock, maxMs: number, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#end = clock.monotonic() + maxMs;
  }

  /** Whether its time is over, or nobody waits for it any more. */
  get over(): boolean {
    return this.#signal.aborted || this.#clock.monotonic() >= this.#end;
  }

  /** To be awaited after each look. */
  async next(): Promise<void> {
    this.#looks += 1;
    if (this.#looks % LOOKS_IN_A_TURN === 0) await nextTurn();
  }
}
