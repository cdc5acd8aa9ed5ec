import { HOUR, KIB, MIB, SECOND } from '../units.ts';

/* The program that serves: its log, its memory, its end. */

/**
 * Bytes of the file of its configuration: far more than all flags with their reasons. It is read
 * again while calls go on, and reading so much in one go takes a fraction of a second.
 */
export const MAX_CONFIG_BYTES = 256 * KIB;

/** How long a server waits for another that is looking at the same address right now. */
export const FILE_LOCK_WAIT_MS = 10 * SECOND;

/** How long a server that ends waits for its log to be written. */
export const LOG_FLUSH_MS = SECOND;

/**
 * How long beyond the grace of processes a server may take to end in order after an error that
 * nobody caught: twice what each step of that takes at most.
 */
export const FAULT_EXIT_MS = 20 * SECOND;

/** Bytes of the log that may wait to be written; what comes then is dropped and counted. */
export const MAX_QUEUED_LOG_BYTES = MIB;

/**
 * Characters of one line of the log: more than that is nothing that anybody wrote to be read, and
 * each is looked at for secrets.
 */
export const MAX_LOG_LINE = 64 * KIB;

/** Lines in a second that the log has of calls whose callers are not known. */
export const MAX_REFUSAL_LINES = 100;

/**
 * Bytes that a small heap may grow by before all of it is collected: twice the 32 MiB of
 * memory outside of it after which V8 collects young objects, and what it keeps in reserve.
 */
export const HEAP_GROWTH_BYTES = 64 * MIB;

/** How often the size of the heap is looked at for that. */
export const HEAP_LOOK_MS = 5 * SECOND;

/**
 * Bytes of the audit that may wait to be written: what comes then is left out, and counted. From half
 * of it on the audit counts as one that cannot be written.
 */
export const MAX_QUEUED_AUDIT_BYTES = 4 * MIB;

/** Bytes of lines of the audit that are written by one call, unless one line is longer. */
export const MAX_AUDIT_WRITE_BYTES = 64 * KIB;

/** Characters that one field of a line of the audit has at most: twice the longest path. */
export const MAX_AUDIT_FIELD = 8 * KIB;

/** How long after a write of the audit that failed the next is tried. */
export const AUDIT_RETRY_MS = SECOND;

/** How long a server that ends waits for its audit to be written. */
export const AUDIT_FLUSH_MS = 5 * SECOND;

/** Callers of one connection whose logins are remembered, so that they are not told twice. */
export const MAX_CONNECTION_LOGINS = 128;

/** How often a server that drains looks whether anything is left. */
export const DRAIN_LOOK_MS = 100;

/**
 * How long a server that drains waits for a call of a session that none names any more, and of which
 * no process runs: a client that asks now and then, or comes back after a break, is there by then.
 */
export const DRAIN_ABSENCE_MS = 10 * SECOND;

/** How often the memory of the server is looked at, where it is a reason to take no new work. */
export const MEMORY_LOOK_MS = SECOND;

/**
 * How long garbage is not collected after it was, while memory is such a reason: at least so long,
 * and so many times as long as that took; in the end, where it does not help, at most so long.
 */
export const MEMORY_COLLECT_MS = 10 * SECOND;
export const MEMORY_COLLECT_PART = 100;
export const MAX_MEMORY_COLLECT_MS = 300 * SECOND;

/** How long after a write into the folder for state the next is tried. */
export const STATE_LOOK_MS = 5 * SECOND;

/** How long such a write may take. */
export const STATE_WRITE_MS = 10 * SECOND;

/** How long the end of a server waits until its last spans are handed over, in milliseconds. */
export const TRACE_FLUSH_MS = 2_000;

/** Notices for a service manager that may wait until it reads: the newest say what is true. */
export const MAX_WAITING_NOTICES = 64;

/** How long after a notice that could not be sent it is tried again. */
export const NOTICE_RETRY_MS = SECOND / 10;

/**
 * How often a server that shuts down asks a service manager for more time, and for how much: so that
 * two such notices may be late.
 */
export const STOP_NOTICE_MS = 5 * SECOND;
export const STOP_EXTENSION_MS = 15 * SECOND;

/** How often a sign of life is given at the least, however long a service manager waits for one. */
export const MAX_BEAT_MS = HOUR;

/** Sockets that systemd may pass to a server: more than anybody has units for. */
export const MAX_PASSED_SOCKETS = 256;

/** Connections of operators' tools at one time, milliseconds for the head of a request, and its bytes. */
export const MAX_OPERATOR_CONNECTIONS = 64;
export const OPERATOR_REQUEST_MS = 10 * SECOND;
export const MAX_OPERATOR_HEADER_BYTES = 16 * KIB;

/** Characters of the token that metrics are read with: as many as 96 random bits have in base64. */
export const MIN_METRICS_TOKEN = 16;
export const MAX_METRICS_TOKEN = 4 * KIB;
