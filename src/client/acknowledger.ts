import type { Clock, Timer } from '../clock.ts';

/** Bytes of events that have come after which it is said: few beside what a server waits for. */
const ACKNOWLEDGED_BYTES = 2 * 1024 * 1024;

/**
 * How long after an event came it is said at the latest, in milliseconds: a server that is short
 * of memory may hold the process up until then.
 */
const ACKNOWLEDGED_MS = 250;

/** Says of events that they have come, many at a time. */
export class Acknowledger {
  readonly #clock: Clock;
  readonly #send: (seq: bigint) => Promise<unknown>;
  #bytes = 0;
  #seq = 0n;
  #said = 0n;
  #timer: Timer | undefined;
  #sending = false;
  #over = false;

  /** `send` may fail: what is sent next says the same and more. */
  constructor(clock: Clock, send: (seq: bigint) => Promise<unknown>) {
    this.#clock = clock;
    this.#send = send;
  }

  /** An event has come, and all before it, so many bytes since the last time. */
  had(seq: bigint, bytes: number): void {
    this.#seq = seq;
    this.#bytes += bytes;
    this.#saySoon();
  }

  /** Nothing is said any more. */
  stop(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  #saySoon(): void {
    // What comes meanwhile is said together, when the answer has come.
    if (this.#sending || this.#over || this.#seq === this.#said) return;
    if (this.#bytes >= ACKNOWLEDGED_BYTES) this.#say();
    else this.#timer ??= this.#clock.setTimer(ACKNOWLEDGED_MS, () => this.#say());
  }

  #say(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sending = true;
    this.#bytes = 0;
    this.#said = this.#seq;
    const done = (): void => {
      this.#sending = false;
      this.#saySoon();
    };
    this.#send(this.#seq).then(done, done);
  }
}
