import type { Clock } from '../../clock.ts';
import { MAX_WATCH_EVENTS } from '../../limits.ts';
import { Fifo } from '../../output/fifo.ts';
import type { InotifyEvent } from './inotify-events.ts';

/** How far the second half of a move is looked for. */
const MAX_AHEAD = 256;

/** Whether an event is one of those that are looked for. */
export type EventTest = (event: InotifyEvent) => boolean;

/** Events that wait for their turn, as many as there is room for. */
export class EventQueue {
  readonly #clock: Clock;
  readonly #events = new Fifo<InotifyEvent>();
  #wake: (() => void) | undefined;
  #isLost = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether events are missing: it has none then, and takes none. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** How many there are. */
  get length(): number {
    return this.#events.length;
  }

  /** @returns whether there was room */
  push(event: InotifyEvent): boolean {
    if (this.#isLost) return true;
    if (this.#events.length >= MAX_WATCH_EVENTS) return false;
    this.#events.push(event);
    this.#wake?.();
    return true;
  }

  /** Events were lost: those that are there are of no use, either. */
  lose(): void {
    this.#isLost = true;
    while (this.#events.shift() !== undefined);
    this.#wake?.();
  }

  /** Begins anew. */
  restore(): void {
    this.#isLost = false;
  }

  /** Takes the first; undefined: there is none. */
  shift(): InotifyEvent | undefined {
    return this.#events.shift();
  }

  /** Takes one of the next that is wanted, before any of another kind; undefined: there is none. */
  take(isWanted: EventTest, isBeyond: EventTest = () => false): InotifyEvent | undefined {
    const at = this.#find(isWanted, isBeyond);
    const event = at < 0 ? undefined : this.#events.at(at);
    if (event !== undefined) this.#events.remove(at);
    return event;
  }

  /** Whether one of the next is wanted. */
  has(isWanted: EventTest): boolean {
    return this.#find(isWanted, () => false) >= 0;
  }

  /** Waits until there is something new. @returns false: the time was over before */
  async wait(ms: number): Promise<boolean> {
    const isWoken = await new Promise<boolean>((resolve) => {
      // Where this thread was held up, what has come meanwhile is read in this turn, after timers.
      const timer = this.#clock.setTimer(ms, () => setImmediate(() => resolve(false)));
      this.#wake = () => {
        timer.cancel();
        resolve(true);
      };
    });
    this.#wake = undefined;
    return isWoken;
  }

  #find(isWanted: EventTest, isBeyond: EventTest): number {
    const end = Math.min(this.#events.length, MAX_AHEAD);
    for (let at = 0; at < end; at++) {
      const event = this.#events.at(at);
      if (event === undefined || isBeyond(event)) return -1;
      if (isWanted(event)) return at;
    }
    return -1;
  }
}
