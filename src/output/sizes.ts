import { HOUR, KIB, MIB, MINUTE, SECOND } from '../units.ts';

/*
 * How retained output is divided, kept and given up: each bound with its unit, and why it has
 * that value. What an operator may set is in `Limits`.
 */

/** Bytes of output in one event at most: what one read of a pipe yields. */
export const MAX_EVENT_BYTES = 64 * KIB;

/**
 * Bytes that are read from a pipe at a time at most. More than a pipe holds, so that a
 * read which empties it is known to have done so, and no other follows it in vain.
 */
export const PIPE_READ_BYTES = 256 * KIB;

/** Bytes of output in one event at least, where a small retention asks for fine pieces. */
export const MIN_EVENT_BYTES = 64;

/** Into how many events a process's retention is divided at least, so that dropping is gradual. */
export const MIN_EVENTS_RETAINED = 8;

/** Bytes that an event of output has beside its data at most, as it is encoded. */
export const MAX_OUTPUT_HEAD_BYTES = 80;

/**
 * Bytes of encoded events that are kept, written and read together at most, and of one
 * message of a stream: beyond it gRPC gains nothing. Four of the largest events fit
 * exactly, so that no quarter of the memory stays empty.
 */
export const BLOCK_BYTES = 4 * (MAX_EVENT_BYTES + MAX_OUTPUT_HEAD_BYTES);

/** The same where little is retained, so that dropping is gradual. */
export const MIN_BLOCK_BYTES = 4 * KIB;

/** Bytes of memory that a block has beside its events, about, in memory or in a file. */
export const BLOCK_RECORD_BYTES = 768;

/** Blocks whose memory is kept to be used again, 4 MiB together. */
export const SPARE_BLOCKS = 16;

/**
 * Bytes of the newest output of a process that stay in memory while there is enough of
 * that. A reader that is no further behind needs no files, which cost more than all the rest.
 */
export const HOT_BYTES = 32 * MIB;

/** Bytes beyond these that may wait to be written before the process has to. */
export const SPOOL_LAG_BYTES = 8 * MIB;

/**
 * Bytes of events that may be on their way to a reader which acknowledges nothing, an event
 * counting as {@link RETAINED_BYTES_PER_EVENT} at least: until it was sent so much more, they
 * are not taken to have arrived. The stream's window of HTTP/2 bounds what the connection
 * holds: 16 MiB is the largest that a gRPC library opens by itself (Go's, which measures the
 * path), and what Envoy, a proxy between, opens for its own side. Other windows and sockets,
 * nginx's and HAProxy's buffers included, hold less.
 */
export const UNACKNOWLEDGED_BYTES = 32 * MIB;

/** A reader that has more than this still to be sent is shown to the operator as one that lags. */
export const LAGGING_BYTES = MIB;

/**
 * How long a reader with an id whose stream broke off is waited for: a client that lost its
 * connection is back sooner, and one that is gone for good holds the process up no longer.
 */
export const READER_ABSENCE_MS = MINUTE;

/** Such readers of one process at most. */
export const MAX_ABSENT_READERS = 64;

/** How long after a failure nothing is written to the files of a process. */
export const SPOOL_RETRY_MS = 5 * SECOND;

/** How long a write to a file may take before it is taken for a failure. */
export const SPOOL_STALL_MS = 10 * SECOND;

/** Events in the files of a process whose sizes are remembered, some 8 bytes each. */
export const SPOOLED_INDEX_ENTRIES = 256 * KIB;

/** How far memory may be beyond the budget while it is being written to files. */
export const LAG_FACTOR = 1.25;

/**
 * The part of the budget of memory, and of that of disk, that may be taken by output which
 * must not be dropped: beyond it its processes wait, so that there is room for all others.
 */
export const KEPT_PART = 1 / 2;

/** The part of memory up to which a process that has little of it goes on nevertheless. */
export const KEPT_PART_OF_SMALL = 3 / 4;

/** What is little: this part of memory, and so many bytes at most. */
export const SMALL_PART = 1 / 64;
export const SMALL_BYTES = MIB;

/**
 * The part of the budget of memory that may be taken by what is known of output which is not
 * in memory: where it is, and the sizes of its events. The least of it, where that is tiny.
 */
export const INDEX_PART = 1 / 4;
export const MIN_INDEX_BYTES = 4 * KIB;

/**
 * The part of the budget of memory that readers may keep from being used otherwise while what
 * they read from it is sent. Beyond it each gets copies, of {@link MAX_EVENT_BYTES} at a time.
 */
export const LENT_PART = 1 / 8;

/** The part of the budget of memory that gives way to such copies: others do not pay for more. */
export const COPIED_PART = 1 / 4;

/** Processes that are told at one time to go on, and readers of one that there is more. */
export const WOKEN_AT_ONCE = 64;

/** Events retained at most: this many, or one for each {@link RETAINED_BYTES_PER_EVENT}. */
export const MIN_EVENT_COUNT_BOUND = 1024;

/** See {@link MIN_EVENT_COUNT_BOUND}: bounds what the bookkeeping of tiny writes costs. */
export const RETAINED_BYTES_PER_EVENT = 64;

/** Dropped events whose sizes are remembered, 4 bytes each: 1 MiB for a process at most. */
export const DROPPED_INDEX_ENTRIES = 256 * KIB;

/**
 * Bytes of one file of spooled output. Disk is given back a file at a time, so it
 * should be small beside what a process retains; each file holds a descriptor, so
 * it should not be tiny.
 */
export const SPOOL_SEGMENT_BYTES = 16 * MIB;

/**
 * Writes to spool files at one time, and reads. Each takes one of the four threads
 * of libuv's pool, which also starts processes: more gain nothing on one disk.
 */
export const SPOOL_WRITES = 2;
export const SPOOL_READS = 2;

/** Adjacent pieces of a block below this many bytes are joined: copying them is cheaper. */
export const SPOOL_JOIN_BYTES = 4 * KIB;

/** After this time a run folder that does not tell its owner is no longer one just being made. */
export const SPOOL_OWNERLESS_MS = 5 * MINUTE;

/** How long what the latest server left that did not end in order is kept, so that it can be read. */
export const SPOOL_KEEP_MS = 24 * HOUR;

/** How long a server that ends waits for its files to be removed: a disk may not answer. */
export const SPOOL_CLOSE_MS = 5 * SECOND;
