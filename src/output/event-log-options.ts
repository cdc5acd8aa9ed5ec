import type { OutputStore } from './output-store.ts';

/** What to do with output beyond the bound. */
export type Overflow = 'drop-oldest' | 'pause';

/** How a log is made. */
export interface EventLogOptions {
  /** What its files say that they are of: the process, and its session. */
  readonly name: string;
  /** What it shares with all others of the server. */
  readonly store: OutputStore;
  /** Bytes of output to retain, at least 1. */
  readonly retainedBytes: number;
  readonly overflow: Overflow;
  /** Nobody else will read: what all readers have read is given up. Default: it is retained. */
  readonly readOnce?: boolean;
  /**
   * Called when output should no longer be read from the process (false), and
   * when it should again (true).
   */
  readonly onFlow?: (flowing: boolean) => void;
  /** Dropped events to remember; see {@link DroppedIndex}. */
  readonly droppedIndexEntries?: number;
}
