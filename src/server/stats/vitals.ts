import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Clock } from '../../clock.ts';
import { LOOP_LOOK_MS, USAGE_LOOK_MS } from '../../limits.ts';

/** What this program uses itself. */
export interface Vitals {
  /** In user and in system mode, since it began, in milliseconds. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** The longest that its event loop was late lately, in milliseconds. */
  readonly delayMs: number;
  /** The part of that time in which its event loop was busy, from 0 to 1. */
  readonly utilization: number;
}

/** Looks at what this program uses, while somebody wants to know: its event loop is measured then. */
export class VitalsLooks {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #loop: IntervalHistogram | undefined;
  #busy = performance.eventLoopUtilization();
  #lately: Pick<Vitals, 'delayMs' | 'utilization'> = { delayMs: 0, utilization: 0 };
  #next = 0;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Begins to measure. */
  start(): void {
    if (this.#loop !== undefined) return;
    this.#loop = monitorEventLoopDelay({ resolution: LOOP_LOOK_MS });
    this.#loop.enable();
    this.#busy = performance.eventLoopUtilization();
    this.#lately = { delayMs: 0, utilization: 0 };
    this.#next = this.#clock.monotonic() + USAGE_LOOK_MS;
  }

  /** Measures no more. */
  stop(): void {
    this.#loop?.disable();
    this.#loop = undefined;
  }

  /** How it is. */
  look(): Vitals {
    if (this.#clock.monotonic() >= this.#next) this.#lookAtLoop();
    const { system, user } = process.cpuUsage();
    const residentBytes = process.memoryUsage.rss();
    return { ...this.#lately, cpuMs: (user + system) / 1000, residentBytes };
  }

  #lookAtLoop(): void {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#busy);
    // The time from one look to the next, in nanoseconds, which is that much without any delay.
    const longestMs = (this.#loop?.max ?? 0) / 1e6;
    this.#lately = { delayMs: Math.max(0, longestMs - LOOP_LOOK_MS), utilization };
    this.#busy = now;
    this.#loop?.reset();
    this.#next = this.#clock.monotonic() + USAGE_LOOK_MS;
  }
}
