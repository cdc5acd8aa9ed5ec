import type { Clock, Timer } from '../clock.ts';
import type { EventSink } from './event-sink.ts';

/** How long output of a process that has ended may be stuck, once we were asked to end. */
const STUCK_MS = 1_000;

/** How long after we were asked a process that runs, and whose output is taken, was not ended by it. */
const WENT_ON_MS = 5_000;

/** Nobody takes our output, and we were asked to end. */
export class OutputStuckError extends Error {
  override readonly name = 'OutputStuckError';
  /** By what we were asked. */
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super('nobody takes the output');
    this.signal = signal;
  }
}

/**
 * How long we wait for whoever takes our output: as long as it lasts, unless we are asked
 * to end. Then what is stuck is given up: soon after the process has ended, or at once when
 * we are asked again. A process that goes on, and whose output is taken, was not ended by it.
 */
export class OutputPatience {
  readonly #clock: Clock;
  /** The write that is under way, and the one that was when we were asked last. */
  #write: object | undefined;
  #askedIn: object | undefined;
  /** By what we were asked last. */
  #asked: NodeJS.Signals | undefined;
  /** The process has ended since. */
  #exited = false;
  #timer: Timer | undefined;
  #wentOn: Timer | undefined;
  #giveUp: (error: OutputStuckError) => void = () => {};
  readonly #gaveUp: Promise<never>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#gaveUp = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    // It is told where something is written.
    this.#gaveUp.catch(() => {});
  }

  /** Writes as `sink` does. Rejects with an {@link OutputStuckError} if that is given up. */
  watch(sink: EventSink): EventSink {
    return async (event) => {
      this.#write = {};
      this.#setTimer();
      try {
        await Promise.race([sink(event), this.#gaveUp]);
      } finally {
        this.#write = undefined;
        this.#setTimer();
      }
    };
  }

  /** We were asked to end, by a signal, while a process runs or after its end. */
  asked(signal: NodeJS.Signals, exited: Promise<unknown>): void {
    const stuck = this.#write !== undefined && this.#write === this.#askedIn;
    if (this.#write !== undefined && (stuck || (this.#exited && this.#asked !== undefined))) {
      this.#giveUp(new OutputStuckError(signal));
      return;
    }
    this.#askedIn = this.#write;
    this.#askedFor(signal, exited);
  }

  /** The same by a key, which the process gets as often as it is pressed. */
  interrupted(exited: Promise<unknown>): void {
    this.#askedFor('SIGINT', exited);
  }

  #askedFor(signal: NodeJS.Signals, exited: Promise<unknown>): void {
    this.#asked = signal;
    const write = this.#write;
    this.#wentOn?.cancel();
    this.#wentOn = this.#clock.setTimer(WENT_ON_MS, () => {
      const stuck = write !== undefined && write === this.#write;
      if (!this.#exited && !stuck) this.#asked = undefined;
    });
    const onExit = (): void => {
      this.#exited = true;
      this.#setTimer();
    };
    // If it is never told, the connection is gone, which whoever reads its output is told.
    exited.then(onExit, () => {});
  }

  #setTimer(): void {
    this.#timer?.cancel();
    const signal = this.#asked;
    if (this.#write === undefined || signal === undefined || !this.#exited) return;
    this.#timer = this.#clock.setTimer(STUCK_MS, () => this.#giveUp(new OutputStuckError(signal)));
  }
}
