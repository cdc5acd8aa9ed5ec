import type { UnreadyReason } from '../telemetry/meter.ts';
import type { Readiness } from './readiness.ts';

/** From which on no new work is to come. */
export interface HighWater {
  /** Sessions at one time. Default: any number. */
  readonly sessions?: number;
  /** Bytes of memory of the server's process: its resident set. Default: any number. */
  readonly memoryBytes?: number;
}

/** What part of a mark it has to come down to before new work may come again. */
const LOW_PART = 0.9;

/** A mark, and what is measured by it. */
export interface FollowedMark {
  /** What is measured by it has a value now. */
  tell(value: number): void;
  /** Another takes its place: at once, for the value that was told last. */
  replace(mark: number): void;
}

/**
 * Follows one mark: what reaches it is a reason, until it has come down by a tenth, so that what
 * is at the mark does not send everybody to and fro.
 */
export function followMark(
  readiness: Readiness,
  reason: UnreadyReason,
  first: number,
): FollowedMark {
  let mark = first;
  let last = 0;
  return {
    tell(value) {
      last = value;
      if (value >= mark) readiness.set(reason, true);
      else if (value <= Math.floor(mark * LOW_PART)) readiness.set(reason, false);
    },
    replace(next) {
      if (next === mark) return;
      mark = next;
      readiness.set(reason, last >= mark);
    },
  };
}
