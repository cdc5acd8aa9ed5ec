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

/** A file of a log. Disk is given back a whole one at a time. */
export interface BlockFile {
  /** Bytes on disk. */
  readonly bytes: number;
  /** It is being written to: it would not go now, whatever is released. */
  readonly busy: boolean;
}

/** Where a block is. Of use to the log that gave it. */
export interface BlockPlace {
  /** Bytes on disk, those of its header included. */
  readonly bytes: number;
  /** The file that it is in. */
  readonly file: BlockFile;
}
