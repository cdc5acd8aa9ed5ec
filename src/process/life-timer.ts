import type { Clock, Timer } from '../clock.ts';
import type { ProcessPhase } from './process-record.ts';

/** What is done when a process has been in a state for so long. */
export interface Timeout {
  /** Undefined: it may be for ever. */
  readonly delayMs: number | undefined;
  readonly expire: () => void;
}

/** How long a process may be running, and how long what it exited with may be read. */
export type Timeouts = Readonly<Record<'running' | 'exited', Timeout>>;

/** The one timer that a process has at a time, which is that of its state. */
export class LifeTimer {
  readonly #clock: Clock;
  readonly #timeouts: Timeouts;
  #timer: Timer | undefined;

  constructor(clock: Clock, timeouts: Timeouts) {
    this.#clock = clock;
    this.#timeouts = timeouts;
  }

  /** To be called when it has come to a state. */
  enter(state: ProcessPhase['state']): void {
    this.#timer?.cancel();
    const timeout = state === 'closed' ? undefined : this.#timeouts[state];
    this.#timer =
      timeout?.delayMs === undefined
        ? undefined
        : this.#clock.setTimer(timeout.delayMs, timeout.expire);
  }
}
