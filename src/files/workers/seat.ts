import type { Clock, Timer } from '../../clock.ts';
import { RunletError } from '../../errors.ts';
import { HUNG_FILE_MS, STUCK_FILE_MS } from '../../limits.ts';
import type { Asker } from '../../turn-queue.ts';
import type { AgentAnswer, AgentRequest } from '../agent/messages.ts';
import type { OpenLink, SeatLink } from './seat-link.ts';

/** One step of an operation, and who waits for what comes of it. */
export interface Step {
  readonly request: AgentRequest;
  /** For whom it is. */
  readonly asker: Asker;
  settle(answer: AgentAnswer): void;
}

/** What a seat is made with. */
export interface SeatOptions {
  /** Opens what does its steps. */
  readonly open: OpenLink;
  readonly clock: Clock;
  /** It can do another step, or does not answer for a while. */
  readonly onChange: (seat: Seat) => void;
}

/** A thread, or a process, that does operations on files, a step at a time. */
export class Seat {
  readonly #link: SeatLink;
  readonly #options: SeatOptions;
  readonly #waiting: Step[] = [];
  #current: Step | undefined;
  #timer: Timer | undefined;
  #ready = false;
  #hangs = false;
  #isStuck = false;
  /** What whoever asks it is told since it is no more. */
  #ended: AgentAnswer | undefined;
  /** Operations that are under way in it. */
  residents = 0;

  constructor(options: SeatOptions) {
    this.#options = options;
    this.#link = options.open({
      onReady: () => {
        this.#ready = true;
        this.#watch();
      },
      onAnswer: (answer) => this.#answered(answer),
      onEnd: (error) => this.#end(error),
    });
  }

  /** Whether it can begin something at once. */
  get idle(): boolean {
    return !this.over && this.#current === undefined && this.#waiting.length === 0;
  }

  /** Whether what it does does not come back, so far: another may take its place. */
  get hangs(): boolean {
    return this.#hangs;
  }

  /** Whether it has not for so long that it will hardly do. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** Whether it is no more. */
  get over(): boolean {
    return this.#ended !== undefined;
  }

  /** For whom it works. */
  get asker(): Asker | undefined {
    return this.#current?.asker;
  }

  /** Does a step when those before it are done. */
  take(step: Step): void {
    if (this.#ended !== undefined) {
      step.settle(this.#ended);
      return;
    }
    this.#waiting.push(step);
    this.#next();
  }

  /** Ends it. */
  close(): void {
    this.#end(undefined);
    this.#link.close();
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const step = this.#waiting.shift();
    if (step === undefined) return;
    this.#current = step;
    this.#watch();
    this.#link.send(step.request);
  }

  /** Looks how long what it does takes, once it can do anything. */
  #watch(): void {
    if (!this.#ready || this.#current === undefined) return;
    const { clock, onChange } = this.#options;
    this.#timer = clock.setTimer(HUNG_FILE_MS, () => {
      this.#hangs = true;
      this.#timer = clock.setTimer(STUCK_FILE_MS - HUNG_FILE_MS, () => {
        if (this.#link.stuck !== undefined) {
          this.#end(this.#link.stuck());
          this.#link.close();
          return;
        }
        this.#isStuck = true;
        onChange(this);
      });
      onChange(this);
    });
  }

  #answered(answer: AgentAnswer): void {
    const step = this.#current;
    this.#current = undefined;
    this.#timer?.cancel();
    this.#hangs = false;
    this.#isStuck = false;
    step?.settle(answer);
    this.#next();
    this.#options.onChange(this);
  }

  #end(error: unknown): void {
    if (this.over) return;
    this.#ended = error === undefined ? ended() : { kind: 'error', error };
    this.#hangs = false;
    this.#timer?.cancel();
    const steps = [this.#current, ...this.#waiting.splice(0)];
    this.#current = undefined;
    for (const step of steps) step?.settle(this.#ended);
    this.#options.onChange(this);
  }
}

/** The server is ending. */
function ended(): AgentAnswer {
  return { kind: 'error', error: new RunletError('DRAINING') };
}
