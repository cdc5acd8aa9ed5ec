import type { Clock, Timer } from '../clock.ts';
import {
  MAX_MEMORY_COLLECT_MS,
  MEMORY_COLLECT_MS,
  MEMORY_COLLECT_PART,
  MEMORY_LOOK_MS,
} from '../limits.ts';
import { followMark } from './high-water.ts';
import type { OwnMemory } from './own-memory.ts';
import type { Readiness } from './readiness.ts';

/** How memory is looked at. */
export interface LookAtMemoryOptions {
  readonly readiness: Readiness;
  readonly clock: Clock;
  readonly memory: OwnMemory;
  /** The mark, in bytes. Undefined: there is none, and nothing is looked at. */
  readonly markBytes: number | undefined;
}

/** How what is looked at is changed, and how that ends. */
export interface LookedAtMemory {
  /** Another mark counts from now on; undefined: none. */
  replace(markBytes: number | undefined): void;
  end(): void;
}

/**
 * Looks from time to time at how much memory there is. As long as that is a reason, garbage is
 * collected now and then: V8 does so as memory is asked for, so a server that new work does not
 * come to would keep what it does not use, and none would ever come; what is free then is given
 * back to the system at the next look. It takes a small part of the time, and less each time that
 * it does not help.
 */
export function lookAtMemory({
  clock,
  markBytes,
  memory,
  readiness,
}: LookAtMemoryOptions): LookedAtMemory {
  const mark = followMark(readiness, 'memory', Number.POSITIVE_INFINITY);
  let timer: Timer | undefined;
  /** How long after the last collection the next may come, and when that is. */
  let waitMs = 0;
  let next = 0;
  let hasCollected = false;
  const look = (): void => {
    if (hasCollected) memory.trim();
    hasCollected = false;
    mark.tell(memory.resident());
    if (!readiness.current.reasons.includes('memory')) waitMs = 0;
    else if (clock.monotonic() >= next) collect();
    timer = clock.setTimer(MEMORY_LOOK_MS, look);
  };
  const collect = (): void => {
    const began = clock.monotonic();
    memory.collect();
    hasCollected = true;
    const end = clock.monotonic();
    const leastMs = Math.max(MEMORY_COLLECT_MS, MEMORY_COLLECT_PART * (end - began));
    waitMs = Math.min(Math.max(leastMs, 2 * waitMs), MAX_MEMORY_COLLECT_MS);
    next = end + waitMs;
  };
  const replace = (bytes: number | undefined): void => {
    timer?.cancel();
    mark.replace(bytes ?? Number.POSITIVE_INFINITY);
    if (bytes !== undefined) look();
  };
  replace(markBytes);
  return { replace, end: () => timer?.cancel() };
}
