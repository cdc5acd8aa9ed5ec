import type { StreamOffsets } from '../event.ts';

/** What a block holds, told beside its payload so that a file explains itself. */
export interface BlockHeader {
  /** The `seq` of the first event. */
  readonly firstSeq: number;
  /** How many events there are; their numbers have no holes. */
  readonly eventCount: number;
  /** Where the streams stood before the first event. */
  readonly before: StreamOffsets;
}

/** Where a block is. Of use to the log that gave it. */
export interface BlockPlace {
  /** Bytes on disk, those of its header included. */
  readonly bytes: number;
}
