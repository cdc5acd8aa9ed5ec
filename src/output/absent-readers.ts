import type { Clock, Timer } from '../clock.ts';
import { MAX_ABSENT_READERS, READER_ABSENCE_MS } from './sizes.ts';

/** How far a reader has come. */
export interface ReaderPlace {
  /** What its client calls it; empty: nothing. */
  readonly readerId: string;
  /** The last event that it has certainly had, and all before it. */
  readonly hadSeq: number;
  /** The number of the event that it is sent next. */
  readonly nextSeq: number;
  /** The bytes of output before that. */
  readonly offset: number;
}

/** One that broke off. */
interface Absent extends ReaderPlace {
  hadSeq: number;
  /** On the monotonic clock: it is waited for no longer. */
  readonly until: number;
}

/**
 * The readers of a log whose streams broke off: each counts as one that stands still until it
 * is back, or its time is over. There are few of them, so that all may be looked at.
 */
export class AbsentReaders {
  readonly #clock: Clock;
  readonly #onForgotten: () => void;
  /** By their ids, in the order in which they broke off. */
  readonly #absent = new Map<string, Absent>();
  #timer: Timer | undefined;

  /** `onForgotten` is called when the time of some is over. */
  constructor(clock: Clock, onForgotten: () => void) {
    this.#clock = clock;
    this.#onForgotten = onForgotten;
  }

  /** One broke off. It takes the place of the one that did so first where there are too many. */
  add({ hadSeq, nextSeq, offset, readerId }: ReaderPlace): void {
    const until = this.#clock.monotonic() + READER_ABSENCE_MS;
    this.#absent.delete(readerId);
    this.#absent.set(readerId, { readerId, hadSeq, nextSeq, offset, until });
    const [first] = this.#absent.keys();
    if (this.#absent.size > MAX_ABSENT_READERS && first !== undefined) this.#absent.delete(first);
    this.#setTimer();
  }

  /** It is back, or does not come back. */
  remove(readerId: string): void {
    this.#absent.delete(readerId);
    if (this.#absent.size === 0) this.clear();
  }

  /** Nobody comes back. */
  clear(): void {
    this.#absent.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** What was on its way to one when it broke off has arrived. */
  acknowledge(readerId: string, seq: number): void {
    const absent = this.#absent.get(readerId);
    if (absent !== undefined) absent.hadSeq = Math.max(absent.hadSeq, seq);
  }

  /** Whether all have had an event. */
  haveHad(seq: number): boolean {
    for (const { hadSeq } of this.#absent.values()) if (hadSeq < seq) return false;
    return true;
  }

  /** The place that is the farthest behind of one and theirs. */
  leastSent(place: ReaderPlace): ReaderPlace {
    let least = place;
    for (const absent of this.#absent.values()) if (absent.nextSeq < least.nextSeq) least = absent;
    return least;
  }

  #setTimer(): void {
    const [first] = this.#absent.values();
    if (first === undefined) return;
    this.#timer ??= this.#clock.setTimer(first.until - this.#clock.monotonic(), () => {
      this.#timer = undefined;
      const now = this.#clock.monotonic();
      for (const { readerId, until } of this.#absent.values()) {
        if (until <= now) this.#absent.delete(readerId);
      }
      this.#setTimer();
      this.#onForgotten();
    });
  }
}
