import { KIB, MIB, SECOND } from '../units.ts';

/* Files: what one call, session or caller may have at one time. */

/** Bytes of a path: PATH_MAX of Linux less its NUL. */
export const MAX_PATH_BYTES = 4095;

/** Bytes of one message of a stream of files to a client. */
export const FILE_PIECE_BYTES = 256 * KIB;

/** Bytes of files that are written and wait for their turn, of one stream, beside the one at work. */
export const WRITE_AHEAD_BYTES = 512 * KIB;

/** Entries of one message of a listing, and milliseconds of work for one, so that others have turns. */
export const LISTING_ENTRIES = 256;
export const FILE_TURN_MS = 5;

/** Unfinished uploads of one session, and finished ones that it remembers. */
export const MAX_SESSION_UPLOADS = 256;

/** Answers to calls with a `request_id` that a session remembers. */
export const MAX_REMEMBERED_REQUESTS = 1024;

/** Entries of one walk: an hour of a large tree; also what may wait to be entered, in bytes. */
export const MAX_WALK_ENTRIES = 1_000_000;
export const MAX_WALK_BYTES = 16 * MIB;

/**
 * The same for all walks that one thread has under way, with the names of folders that they sort;
 * and such names of one walk: more are sorted by reading their folder again.
 */
export const MAX_WALKS_BYTES = 64 * MIB;
export const MAX_SORTED_BYTES = 8 * MIB;

/** Globs of one list, and characters of all of them: each name takes some nanoseconds for each. */
export const MAX_GLOBS = 256;
export const MAX_GLOBS_CHARACTERS = 16 * KIB;

/** Folders that all calls of one caller may watch: the kernel's default for a user, inotify(7), is not less. */
export const MAX_PRINCIPAL_WATCHED = 8192;

/** Events of one watched folder that wait for their turn, or for their reader; more are an overflow. */
export const MAX_WATCH_EVENTS = 4096;

/**
 * How long the second half of a move is waited for. It comes at once, or it went where nobody
 * watches; but on a busy machine whoever moves may have to wait for a processor in between.
 */
export const MOVE_WAIT_MS = 200;

/** How often a folder that is watched is looked for: the system does not tell of all ends at once. */
export const WATCH_LOOK_MS = 30 * SECOND;

/** Queues of inotify(7), of which a user has 128 by default: those who watch share them beyond that. */
export const MAX_INOTIFY_QUEUES = 32;

/** Operations on files of one caller under way: up to four descriptors each, of which others need some. */
export const MAX_PRINCIPAL_FILE_OPERATIONS = 1024;

/** When what could not be removed is tried again, and how much of that a thread remembers. */
export const REMOVE_AGAIN_MS = SECOND;
export const MAX_LATER_REMOVALS = 1024;

/** Threads that touch files, of which each has some MiB of memory; those that are idle end after a while. */
export const MAX_FILE_WORKERS = 4;
export const IDLE_WORKER_MS = 30 * SECOND;

/** After so long an operation on files is taken for one that hangs, and others have another thread. */
export const HUNG_FILE_MS = SECOND;

/** How long a server that ends waits until files that are not whole are removed: some steps of a busy disk. */
export const FILES_CLOSE_MS = 2 * SECOND;

/** After so long it is one that will hardly come back, of which there may be so many. */
export const STUCK_FILE_MS = 10 * SECOND;

/**
 * Threads that may hang at one time, on mounts whose server is gone for example: half of them of one
 * session, three quarters of one caller. In the second until it is noticed all that work can hang.
 */
export const MAX_STUCK_WORKERS = 16;

/** MiB of JavaScript's own memory of such a thread: names of a folder that is sorted, above all. */
export const FILE_WORKER_HEAP_MIB = 256;

/** Bytes of records about one member of an archive: more than paths and extended attributes have. */
export const MAX_TAR_EXTRA_BYTES = MIB;

/** Levels of folders in an archive, each of which is open while what is in it is read or made. */
export const MAX_TREE_LEVELS = 256;

/** Bytes of the path of a member: of names of 255 bytes on each level. */
export const MAX_MEMBER_PATH_BYTES = MAX_TREE_LEVELS * 256;

/** Entries that one removal of a tree could not remove and goes around; with more of them it stops. */
export const MAX_REMOVE_FAILURES = 65_536;

/**
 * Bytes of what is known of one tree while it is read or written, and of all in one thread: names
 * that are sorted, hard links, folders that an archive has no members for.
 */
export const MAX_TREE_BYTES = 16 * MIB;
export const MAX_TREES_BYTES = 64 * MIB;

/**
 * Bytes of one message between the server and a helper for files in a sandbox: a piece of a
 * listing, of which each entry has two paths at most, in two bytes a character.
 */
export const MAX_HELPER_MESSAGE_BYTES = 8 * MIB;

/** Helpers for files in sandboxes that one caller may have, and all: processes of some 60 MiB each. */
export const MAX_PRINCIPAL_SANDBOX_HELPERS = 8;
export const MAX_SANDBOX_HELPERS = 32;

/** How long such a helper stays that nothing is asked for, and how long one may take to start. */
export const IDLE_HELPER_MS = 10 * SECOND;
export const HELPER_START_MS = 30 * SECOND;

/** How long one that is to end may take to remove files that are not whole, before it is killed. */
export const HELPER_END_MS = 2 * SECOND;

/** MiB of JavaScript's own memory of a helper, as of a thread. */
export const HELPER_HEAP_MIB = 256;
