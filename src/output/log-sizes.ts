import {
  BLOCK_BYTES,
  BLOCK_RECORD_BYTES,
  HOT_BYTES,
  MAX_EVENT_BYTES,
  MIN_BLOCK_BYTES,
  MIN_EVENT_BYTES,
  MIN_EVENT_COUNT_BOUND,
  MIN_EVENTS_RETAINED,
  RETAINED_BYTES_PER_EVENT,
  SPOOL_LAG_BYTES,
  SPOOLED_INDEX_ENTRIES,
} from './sizes.ts';

/** How finely a log is divided. */
export interface LogSizes {
  /** Bytes of output that are retained. */
  readonly retainedBytes: number;
  /** Bytes of output in one event at most. */
  readonly eventBytes: number;
  /** Bytes of encoded events in one block at most. */
  readonly blockBytes: number;
  /** Events of output that are retained at most. */
  readonly maxOutputs: number;
}

/** What of a log is in memory, and what in files. */
export interface TierSizes {
  /** Bytes of encoded events in one block at most; fewer where little is retained. */
  readonly blockBytes: number;
  /** Bytes of the newest output that stay in memory while there is enough of that. */
  readonly hotBytes: number;
  /** Bytes beyond these that may wait to be written before the process has to. */
  readonly lagBytes: number;
  /** Events in files whose sizes are remembered. */
  readonly indexedEvents: number;
  /** Bytes of memory that a block has besides, wherever it is. */
  readonly recordBytes: number;
}

/** The sizes where nobody asks for others, as tests do. */
export const DEFAULT_TIER_SIZES: TierSizes = {
  blockBytes: BLOCK_BYTES,
  hotBytes: HOT_BYTES,
  lagBytes: SPOOL_LAG_BYTES,
  indexedEvents: SPOOLED_INDEX_ENTRIES,
  recordBytes: BLOCK_RECORD_BYTES,
};

/** Finer where little is retained, so that dropping the oldest does not drop everything. */
export function logSizes(retainedBytes: number, maxBlockBytes: number): LogSizes {
  const share = Math.floor(retainedBytes / MIN_EVENTS_RETAINED);
  const count = Math.floor(retainedBytes / RETAINED_BYTES_PER_EVENT);
  return {
    retainedBytes,
    eventBytes: Math.min(MAX_EVENT_BYTES, Math.max(MIN_EVENT_BYTES, share)),
    blockBytes: Math.min(maxBlockBytes, Math.max(MIN_BLOCK_BYTES, share)),
    maxOutputs: Math.max(MIN_EVENT_COUNT_BOUND, count),
  };
}

/** Whether so much is more than shall be retained. */
export function exceeds(
  { maxOutputs, retainedBytes }: LogSizes,
  bytes: number,
  count: number,
): boolean {
  return bytes > retainedBytes || count > maxOutputs;
}
