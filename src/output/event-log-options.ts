import type { OutputStore } from './output-store.ts';

/** What to do with output beyond the bound. */
export type Overflow = 'drop-oldest' | 'pause';

/** How a log is made. */
export interface EventLogOptions {
  /** What its files say that they are of: the process, and its session. */
  readonly name: string;
  /** The name of whoever its events count for. Default: nobody in particular. */
  readonly owner?: string;
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
  /** Bytes that may be on their way to a reader; see {@link UNACKNOWLEDGED_BYTES}. */
  readonly slackBytes?: number;
  /** Dropped events to remember; see {@link DroppedIndex}. */
  readonly droppedIndexEntries?: number;
}

/** How a reader lets know what has arrived: in no way where nothing is said here. */
export interface ReaderOptions {
  /** What it acknowledges by: see `EventLog.acknowledge`. It says so of everything. */
  readonly readerId?: string;
  /** It says so of everything, by its cursor or by where the next one begins. */
  readonly acknowledges?: boolean;
}

/** What was written, and how far its readers are. */
export interface ReadingFigures {
  /** Bytes of output so far, dropped ones included. */
  readonly written: number;
  /** Those that read at the moment. */
  readonly readers: number;
  /** Bytes of output that were not sent yet to the slowest of them. */
  readonly lag: number;
  /**
   * How many of them have more than {@link LAGGING_BYTES} still to be sent, or are sent ever more
   * and do not say that it arrives.
   */
  readonly lagging: number;
}

/** What a log holds, and how far its readers are behind. */
export interface LogFigures extends ReadingFigures {
  /** Bytes of memory that it takes. */
  readonly memory: number;
  /** Bytes of its files. */
  readonly disk: number;
}
