import { HOUR, KIB, MIB, SECOND } from '../units.ts';

/* Processes: what one is started with, how long starts and ends take, and who it runs as. */

/**
 * Bytes of a command line, as it is encoded: with everything else that is told of a process
 * and one event it fits into an answer. The kernel takes 2 MiB with the usual stack.
 */
export const MAX_ARGV_BYTES = 3 * MIB;

/** Bytes that a write which waits counts as at least in `maxQueuedStdinBytes`: what it takes beside its data. */
export const MIN_STDIN_WRITE_BYTES = 256;

/**
 * Bytes of output that a process of `Run` may be ahead of its caller where nothing else is
 * asked for: enough that neither waits for the other, and little enough that the memory
 * which they are in is used over and over, and none of it goes to files.
 */
export const RUN_AHEAD_BYTES = 8 * MIB;

/** Grace between SIGTERM and SIGKILL where none is given. */
export const DEFAULT_GRACE_MS = 5 * SECOND;

/** The longest grace. */
export const MAX_GRACE_MS = HOUR;

/** The longest timeout: a timer of Node.js can wait for 2^31 - 1 ms, not quite 25 days. */
export const MAX_TIMEOUT_MS = 24 * 24 * HOUR;

/** How long after SIGKILL a process may take to vanish before its end is reported without it. */
export const KILL_SETTLE_MS = 5 * SECOND;

/** How often what a leader left behind is looked at while it is being ended. */
export const TREE_POLL_MS = 20;

/** The same when that has gone on for long: an eighth of how long it has, and this at most. */
export const MAX_TREE_POLL_MS = SECOND;

/** Forgotten processes after which it is looked for what they left behind, to forget that too. */
export const MIN_LEFT_BEHIND_SWEEP = 1024;

/** How long after a `Run` what its process left behind is looked for, together with that of others. */
export const LEFT_BEHIND_DELAY_MS = SECOND / 2;

/**
 * How long a server waits for the lock of one that is gone, and how often it is tried: a copy of
 * that may be about to become a program, or another is ending what it left.
 */
export const HELD_RECORD_WAIT_MS = 10 * SECOND;
export const HELD_RECORD_POLL_MS = SECOND / 10;

/** How long the record of a server stays of which nobody can tell what it left. */
export const UNKNOWN_RECORD_KEEP_MS = 24 * HOUR;

/** What a `run` that is over gives what earlier ones left between SIGTERM and SIGKILL. */
export const RUN_LEFTOVER_GRACE_MS = SECOND;

/** How long a start takes that hangs: a program may be on a file system that does not answer. */
export const HUNG_START_MS = SECOND;

/** How long a start may take: file systems that are mounted when they are used take some seconds. */
export const MAX_START_MS = 30 * SECOND;

/** How long as many starts as may hang at one time have to before the others are refused. */
export const SATURATED_STARTS_MS = 10 * SECOND;

/** How long a file system has to answer while another does not. */
export const PLACE_CHECK_MS = 10 * SECOND;

/** Places of which it is being found out whether they answer: a process each. */
export const MAX_PLACE_CHECKS = 32;

/**
 * Patterns of an environment policy, and the bytes of these and of the names that
 * they are matched with: matching takes time in proportion to the product.
 */
export const MAX_ENV_PATTERNS = 64;
export const MAX_ENV_PATTERN_BYTES = 2 * KIB;
export const MAX_ENV_SET_NAME_BYTES = 16 * KIB;

/**
 * How much of that is done in one turn of the event loop: characters of names times words of 32
 * characters of patterns. Less than a millisecond, also before Node.js has compiled it.
 */
export const MAX_MATCHING_PER_TURN = 32 * KIB;

/** Variables of a spec: all are passed to the system in one step, which holds up everybody. */
export const MAX_ENV_VARIABLES = 4096;

/** Bytes of one variable with its name: `MAX_ARG_STRLEN` of Linux, with which no program starts. */
export const MAX_VARIABLE_BYTES = 128 * KIB;

/** Folders of a PATH that a program is looked for in: each takes some calls of the system. */
export const MAX_PATH_FOLDERS = 1024;

/** How long a tool may take to look up a user, whom a server elsewhere may know. */
export const TOOL_MS = 10 * SECOND;

/** Bytes that it may say: much more than the groups of a user take. */
export const MAX_TOOL_OUTPUT_BYTES = 64 * KIB;

/** How long users that were looked up are known, and how many: who may do what changes seldom. */
export const USER_KEEP_MS = 10 * SECOND;
export const MAX_KNOWN_USERS = 256;

/** Bytes of the name of a user: those of Linux have 32, those of directories may have more. */
export const MAX_USER_NAME_BYTES = 256;
