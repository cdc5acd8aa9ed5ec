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

/**
 * Follows one mark: what reaches it is a reason, until it has come down by a tenth, so that what
 * is at the mark does not send everybody to and fro.
 */
export function followMark(
  readiness: Readiness,
  reason: UnreadyReason,
  mark: number,
): (value: number) => void {
  const low = Math.floor(mark * LOW_PART);
  return (value) => {
    if (value >= mark) readiness.set(reason, true);
    else if (value <= low) readiness.set(reason, false);
  };
}
