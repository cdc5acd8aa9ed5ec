import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Clock } from '../../clock.ts';
import { LOOP_LOOK_MS, VITALS_LOOK_MS } from '../../limits.ts';

/** What this program uses itself. */
export interface Vitals {
  /** In user and in system mode, since it began, in milliseconds. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** Its event loop lately; undefined: it was not measured for long enough. */
  readonly loop: LoopVitals | undefined;
}

/** How an event loop was lately. */
export interface LoopVitals {
  /** The longest that it was late, in milliseconds. */
  readonly delayMs: number;
  /** The part of the time in which it was busy, from 0 to 1. */
  readonly utilization: number;
}

/** Looks at what this program uses, while somebody wants to know: its event loop is measured then. */
export class VitalsLooks {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #loop: IntervalHistogram | undefined;
  #busy = performance.eventLoopUtilization();
  #latest: Vitals | undefined;
  #next = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Begins to measure. */
  start(): void {
    if (this.#loop !== undefined) return;
    this.#loop = monitorEventLoopDelay({ resolution: LOOP_LOOK_MS });
    this.#loop.enable();
    this.#busy = performance.eventLoopUtilization();
  }

  /** Measures no more. */
  stop(): void {
    this.#loop?.disable();
    this.#loop = undefined;
    this.#latest = undefined;
  }

  /** How it is, or was a moment ago. */
  look(): Vitals {
    const now = this.#clock.monotonic();
    if (this.#latest !== undefined && now < this.#next) return this.#latest;
    this.#next = now + VITALS_LOOK_MS;
    const { system, user } = process.cpuUsage();
    const vitals = {
      cpuMs: (user + system) / 1000,
      residentBytes: process.memoryUsage.rss(),
      loop: this.#latest && this.#lookAtLoop(),
    };
    this.#latest = vitals;
    return vitals;
  }

  #lookAtLoop(): LoopVitals {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#busy);
    // The time from one look to the next, in nanoseconds, which is that much without any delay.
    const longestMs = (this.#loop?.max ?? 0) / 1e6;
    this.#busy = now;
    this.#loop?.reset();
    return { delayMs: Math.max(0, longestMs - LOOP_LOOK_MS), utilization };
  }
}
