import {
  BLOCK_BYTES,
  MAX_EVENT_BYTES,
  MIN_BLOCK_BYTES,
  MIN_EVENT_BYTES,
  MIN_EVENT_COUNT_BOUND,
  MIN_EVENTS_RETAINED,
  RETAINED_BYTES_PER_EVENT,
} from '../limits.ts';

/** How finely a log is divided. */
export interface LogSizes {
  /** Bytes of output in one event at most. */
  readonly eventBytes: number;
  /** Bytes of encoded events in one block at most. */
  readonly blockBytes: number;
  /** Events of output that are retained at most. */
  readonly maxOutputs: number;
}

/** Finer where little is retained, so that dropping the oldest does not drop everything. */
export function logSizes(retainedBytes: number): LogSizes {
  const share = Math.floor(retainedBytes / MIN_EVENTS_RETAINED);
  const count = Math.floor(retainedBytes / RETAINED_BYTES_PER_EVENT);
  return {
    eventBytes: Math.min(MAX_EVENT_BYTES, Math.max(MIN_EVENT_BYTES, share)),
    blockBytes: Math.min(BLOCK_BYTES, Math.max(MIN_BLOCK_BYTES, share)),
    maxOutputs: Math.max(MIN_EVENT_COUNT_BOUND, count),
  };
}
