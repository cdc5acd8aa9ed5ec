import { KIB, MIB, SECOND } from '../units.ts';

/* Calls, their messages and answers, and the sessions that they are for. */

/**
 * Bytes of the messages of all calls that were received and are not done with, and as many
 * that were answered and are not sent: 16 of the largest requests, decompressed. One
 * connection has half of them at most.
 */
export const CALL_MEMORY_BYTES = 128 * MIB;

/** Request messages of a stream that are dealt with in one turn of the event loop at most. */
export const MAX_MESSAGES_PER_TURN = 64;

/** `max_bytes` of a read that names none. */
export const DEFAULT_READ_BYTES = MIB;

/** `max_bytes` at most: with one more event it stays under the 4 MiB that clients receive. */
export const MAX_READ_BYTES = 2 * MIB;

/** How long before its deadline a long poll returns, so that the answer still arrives. */
export const READ_DEADLINE_MARGIN_MS = 100;

/** Ids of evicted processes that a session remembers, and of closed sessions the server. */
export const MAX_TOMBSTONES = 10_000;

/** Holders whose last attempt a session remembers: a late one comes within minutes. */
export const MAX_HOLDERS = 256;

/** How long `CloseSession` waits for its processes, beyond the grace they get. */
export const CLOSE_WAIT_MS = 2 * SECOND;

/** How long a server that ends lets what streams were told at last, and who reads slowly, arrive. */
export const CUT_WAIT_MS = SECOND;

/** Bytes of an id that a client chooses. */
export const MAX_ID_BYTES = 128;

/**
 * Fields of one request message, each element of a list being one: all are decoded in one step.
 * Arguments are most of them, of which the kernel takes fewer, with the usual stack.
 */
export const MAX_MESSAGE_FIELDS = 256 * KIB;

/** Bytes that a connection which holds none of these gets at any time: a message of a stream. */
export const ASSURED_CALL_BYTES = 512 * KIB;

/** How long a call waits for some of them before it is refused. */
export const CALL_MEMORY_WAIT_MS = 10 * SECOND;

/** Bytes that a text which is kept takes beside its characters, about. */
export const TEXT_OVERHEAD_BYTES = 24;

/** Labels of a session or process. */
export const MAX_LABELS = 64;
export const MAX_LABEL_KEY_BYTES = 128;
export const MAX_LABEL_VALUE_BYTES = 1024;

/** Entries of a listing's page. */
export const DEFAULT_PAGE_SIZE = 100;
export const MAX_PAGE_SIZE = 1000;

/** Bytes of one message that clients receive by default: no answer is larger. */
export const MAX_ANSWER_BYTES = 4 * MIB;

/** Bytes of one page, as it is encoded: ends one of processes with long command lines early. */
export const PAGE_BYTES = MIB;

/** When a client that met a draining server should try again. */
export const DRAINING_RETRY_MS = SECOND;

/** Clients' request messages up to this multiple of the limit are refused with a typed error. */
export const OVERSIZE_HEADROOM = 2;
