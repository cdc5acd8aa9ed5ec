import { HOUR, KIB, MIB, MINUTE, SECOND } from './units.ts';

/**
 * Every bound that the server enforces: its value, its unit, and why it has that
 * value. What an operator may set is in {@link Limits}; the rest is fixed. Those of retained
 * output are in `output/sizes.ts`.
 */

/** The bounds that an operator may set. Times are in milliseconds. */
export interface Limits {
  /** Sessions at one time. */
  readonly maxSessions: number;
  /** Processes at one time in all sessions, retained ones included. */
  readonly maxProcesses: number;
  /** Bytes that the command lines and labels of all processes may take, retained ones included. */
  readonly maxDescriptionBytes: number;
  /** Bytes of one request message. */
  readonly maxRequestBytes: number;
  /** Bytes of stdin that may wait for one process. */
  readonly maxQueuedStdinBytes: number;
  /** Bytes of output that a spec may ask to retain. */
  readonly maxRetainedBytes: number;
  /** Bytes of output retained where a spec asks for none. */
  readonly defaultRetainedBytes: number;
  /** Bytes of memory that the retained output of all processes may have together. */
  readonly outputMemoryBytes: number;
  /** Bytes of files that it may have together. */
  readonly outputDiskBytes: number;
  /** The longest retention that a spec may ask for. */
  readonly maxRetentionMs: number;
  /** The retention where a spec asks for none. */
  readonly defaultRetentionMs: number;
  /** The longest that a long poll waits: less than the 60 s at which common proxies cut. */
  readonly maxReadWaitMs: number;
  /** How long a stream of events may be silent before a heartbeat. */
  readonly heartbeatMs: number;
  /** The shortest time that a session may live after the last call that named it. */
  readonly minDetachedTtlMs: number;
  /** The longest. */
  readonly maxDetachedTtlMs: number;
  /** The time where a client asks for none. */
  readonly defaultDetachedTtlMs: number;
  /** Session events that may wait for an attached client. */
  readonly maxQueuedSessionEvents: number;
  /** Sessions of one principal at one time. */
  readonly maxPrincipalSessions: number;
  /** Processes of one principal at one time, retained ones included. */
  readonly maxPrincipalProcesses: number;
  /** Calls under way of one connection. */
  readonly maxConnectionStreams: number;
  /** Calls under way of one principal, but for those of health. */
  readonly maxPrincipalStreams: number;
  /** Calls under way that read the events of one process. */
  readonly maxProcessWatchers: number;
  /** Connections at one time. */
  readonly maxConnections: number;
  /** Those of them over which no caller that was let in has made a call so far. */
  readonly maxUnspokenConnections: number;
  /** Bytes of the headers of one call. */
  readonly maxHeaderBytes: number;
  /** Bytes of a command line, as it is encoded. */
  readonly maxArgvBytes: number;
  /** Bytes of the names and values of the variables that a spec sets. */
  readonly maxEnvBytes: number;
  /** Bytes of stdin that may wait for all processes of one principal. */
  readonly maxPrincipalStdinBytes: number;
  /** Bytes of memory that the retained output of all processes of one principal may have. */
  readonly principalOutputMemoryBytes: number;
  /** Bytes of files that it may have. */
  readonly principalOutputDiskBytes: number;
  /** Starts a second of one principal, in the long run; 0: any number. */
  readonly maxPrincipalStartsPerSecond: number;
}

/**
 * Bytes of a command line, as it is encoded: with everything else that is told of a process
 * and one event it fits into an answer. The kernel takes 2 MiB with the usual stack.
 */
export const MAX_ARGV_BYTES = 3 * MIB;

/**
 * Bytes of the messages of all calls that were received and are not done with, and as many
 * that were answered and are not sent: 16 of the largest requests, decompressed. One
 * connection has half of them at most.
 */
export const CALL_MEMORY_BYTES = 128 * MIB;

/**
 * The bounds where the operator sets none. Those of one principal are the server's own: where
 * there can be several, each has a part of them; see `policy/principal-limits.ts`.
 */
export const DEFAULT_LIMITS: Limits = {
  maxSessions: 20_000,
  // 30 s of retention at some 600 starts a second, all of them retained.
  maxProcesses: 20_000,
  // 3 KiB for each of as many processes as there may be: much more than most have.
  maxDescriptionBytes: 64 * MIB,
  // gRPC's own default, which clients expect.
  maxRequestBytes: 4 * MIB,
  // Two full requests: one that is being read and the next.
  maxQueuedStdinBytes: 8 * MIB,
  maxRetainedBytes: 1024 * MIB,
  defaultRetainedBytes: 64 * MIB,
  outputMemoryBytes: 128 * MIB,
  outputDiskBytes: 8 * 1024 * MIB,
  maxRetentionMs: 24 * HOUR,
  defaultRetentionMs: 30 * SECOND,
  maxReadWaitMs: 30 * SECOND,
  heartbeatMs: 15 * SECOND,
  minDetachedTtlMs: SECOND / 10,
  maxDetachedTtlMs: 24 * HOUR,
  // Time for a laptop to wake or a pod to be rescheduled.
  defaultDetachedTtlMs: 5 * MINUTE,
  // A few hundred bytes each.
  maxQueuedSessionEvents: 4096,
  maxPrincipalSessions: 20_000,
  maxPrincipalProcesses: 20_000,
  // Some 5 KiB each while nothing happens: 50 MiB.
  maxConnectionStreams: 10_000,
  // One for each session that there may be: two connections full of them.
  maxPrincipalStreams: 20_000,
  // All are told of each event: a millisecond or two for so many.
  maxProcessWatchers: 1000,
  // Some 50 KiB each, 200 MiB, and a descriptor each, of which there are more for processes.
  maxConnections: 4096,
  // Twice as many as may wait in the system to be accepted: a fleet that comes back at once.
  maxUnspokenConnections: 1024,
  // Twice what gRPC libraries send by default: a chain of tokens, or a large JWT, fits.
  maxHeaderBytes: 16 * KIB,
  maxArgvBytes: MAX_ARGV_BYTES,
  // As for a command line: the kernel takes both together.
  maxEnvBytes: 3 * MIB,
  // No more than may be received at one time.
  maxPrincipalStdinBytes: CALL_MEMORY_BYTES,
  principalOutputMemoryBytes: 128 * MIB,
  principalOutputDiskBytes: 8 * 1024 * MIB,
  // Starts are in turn anyhow.
  maxPrincipalStartsPerSecond: 0,
};

/**
 * Starts a second of one principal where there can be several: half of what a small machine
 * does, some 600 with all that belongs to them.
 */
export const SHARED_STARTS_PER_SECOND = 300;

/** How many seconds' worth of starts a principal can do at once after a rest: a build does. */
export const START_BURST_SECONDS = 10;

/**
 * How many more streams HTTP/2 lets a connection have than calls are taken: a client that waits
 * for a free one by itself would tell nobody why, and an error does.
 */
export const REFUSED_STREAMS = 128;

/** Bytes that a write which waits counts as at least in `maxQueuedStdinBytes`: what it takes beside its data. */
export const MIN_STDIN_WRITE_BYTES = 256;

/** Request messages of a stream that are dealt with in one turn of the event loop at most. */
export const MAX_MESSAGES_PER_TURN = 64;

/**
 * Calls that begin in one turn of the event loop at most: a few milliseconds at the first, a fraction
 * of one when Node.js has compiled what they do. The others wait, and so many of one
 * connection that nothing more is read from it: a stream of HTTP/2 holds up to 64 KiB.
 */
export const MAX_CALLS_PER_TURN = 16;
export const MAX_WAITING_CALLS = 32;

/**
 * Bytes of output that a process of `Run` may be ahead of its caller where nothing else is
 * asked for: enough that neither waits for the other, and little enough that the memory
 * which they are in is used over and over, and none of it goes to files.
 */
export const RUN_AHEAD_BYTES = 8 * MIB;

/** `max_bytes` of a read that names none. */
export const DEFAULT_READ_BYTES = MIB;

/** `max_bytes` at most: with one more event it stays under the 4 MiB that clients receive. */
export const MAX_READ_BYTES = 2 * MIB;

/** How long before its deadline a long poll returns, so that the answer still arrives. */
export const READ_DEADLINE_MARGIN_MS = 100;

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

/** Ids of evicted processes that a session remembers, and of closed sessions the server. */
export const MAX_TOMBSTONES = 10_000;

/** Holders whose last attempt a session remembers: a late one comes within minutes. */
export const MAX_HOLDERS = 256;

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

/** How long `CloseSession` waits for its processes, beyond the grace they get. */
export const CLOSE_WAIT_MS = 2 * SECOND;

/** Bytes of an id that a client chooses. */
export const MAX_ID_BYTES = 128;

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

/**
 * Fields of one request message, each element of a list being one: all are decoded in one step.
 * Arguments are most of them, of which the kernel takes fewer, with the usual stack.
 */
export const MAX_MESSAGE_FIELDS = 256 * KIB;

/** Bytes of one variable with its name: `MAX_ARG_STRLEN` of Linux, with which no program starts. */
export const MAX_VARIABLE_BYTES = 128 * KIB;

/** Folders of a PATH that a program is looked for in: each takes some calls of the system. */
export const MAX_PATH_FOLDERS = 1024;

/** Bytes of the path of a Unix socket: `sun_path` of unix(7) less its NUL; 4 fewer on macOS. */
export const MAX_SOCKET_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

/** Bytes that a connection which holds none of these gets at any time: a message of a stream. */
export const ASSURED_CALL_BYTES = 512 * KIB;

/** How long a call waits for some of them before it is refused. */
export const CALL_MEMORY_WAIT_MS = 10 * SECOND;

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

/** Characters of a JWT: header lists of HTTP/2 are 16 KiB in most servers. */
export const MAX_JWT_LENGTH = 16 * KIB;

/** How far the clocks of an issuer of JWTs and of this machine may be apart. */
export const JWT_CLOCK_SKEW_MS = 30 * SECOND;

/** Bytes of a `sub` of a JWT, which becomes a part of its principal's name. */
export const MAX_JWT_SUBJECT_BYTES = 256;

/**
 * JWTs that were verified and are remembered, less than a KiB each, tokens that were, and as many
 * of these that are of no use. Of those that are forgotten, the signatures are verified again.
 */
export const MAX_REMEMBERED = 4096;

/**
 * JWTs whose signatures are verified at one time, and tokens. That is done on threads of the pool,
 * of which there are four, and files are read and written on them, too.
 */
export const MAX_VERIFICATIONS = 2;

/**
 * Those not seen before that may wait for that or be at it: JWTs of one connection, tokens of one
 * key, and of all; and as many JWTs may wait for keys to be fetched. A signature takes a tenth of a
 * millisecond.
 */
export const MAX_UNVERIFIED_EACH = 64;
export const MAX_UNVERIFIED = 512;

/** Bytes and keys of a set of keys for JWTs: large issuers have a dozen of less than 1 KiB. */
export const MAX_JWKS_BYTES = 256 * KIB;
export const MAX_JWKS_KEYS = 128;

/** How old the keys of a URL become before they are fetched again: a key that was removed is out then. */
export const JWKS_REFRESH_MS = 5 * MINUTE;

/** The time between two fetches that tokens with unknown keys bring about, and after one that failed. */
export const JWKS_COOLDOWN_MS = 30 * SECOND;

/** How long a fetch may take in all. */
export const JWKS_FETCH_MS = 5 * SECOND;

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

/**
 * How long after an answer a connection is probed again, and how long the next
 * answer may take: a peer that vanished is noticed within their sum.
 */
export const DEFAULT_KEEPALIVE_MS = 20 * SECOND;
export const DEFAULT_KEEPALIVE_TIMEOUT_MS = 10 * SECOND;

/** How often it is looked whether a connection that has received something can still send. */
export const DEAD_SESSION_LOOK_MS = SECOND;

/**
 * How often files that say who is let in, and what he may do, are looked at. They are read when
 * they are found the same twice, a second after a change at most: they are written then.
 */
export const FILES_LOOK_MS = SECOND / 2;

/**
 * How long a file that was changed is read again at every look: what is written within a tick of
 * the kernel's clock, 10 ms at most, or the two seconds that some file systems count in, shows in
 * no time.
 */
export const FRESH_FILE_MS = 2 * SECOND;

/**
 * From when a connection was accepted to its first call that is let in, the handshake of TLS
 * included: several times what both take over a bad network.
 */
export const FIRST_CALL_MS = 10 * SECOND;

/** How often connections on which nobody was let in yet are looked at, while there are any. */
export const DOOR_LOOK_MS = SECOND / 4;

/**
 * Bytes that a connection may receive in that time while nobody is let in on it: the largest
 * headers, and the 64 KiB of bodies that HTTP/2 lets a client send unasked, twice.
 */
export const MAX_UNSPOKEN_BYTES = 256 * KIB;

/** Calls that may be refused on such a connection before it is closed: each answer is 1 KiB. */
export const MAX_REFUSED_CALLS = 64;

/** Calls under way on it of which it is still being found out who makes them. */
export const MAX_UNKNOWN_CALLS = 256;

/**
 * Connections on which nothing but health was asked for, and such calls under way on one of
 * them: more load balancers than look at one server, and a `Watch` of each service.
 */
export const MAX_HEALTH_CONNECTIONS = 256;
export const MAX_HEALTH_CALLS = 8;

/** Lines in a second that the log has of calls whose callers are not known. */
export const MAX_REFUSAL_LINES = 100;

/** How often it is looked whether the credentials of calls under way still hold. */
export const CREDENTIALS_LOOK_MS = SECOND;

/**
 * How long the TLS handshake of a connection may take: two or three round trips, and the
 * packets that are lost of them.
 */
export const TLS_HANDSHAKE_MS = 10 * SECOND;

/** Bytes of a file of TLS: some 20,000 revoked certificates, or 500 authorities. */
export const MAX_TLS_FILE_BYTES = MIB;

/**
 * Bytes of a token that a client sends: twice what the longest of our own have, and what is usual
 * of JWTs. The headers of a call have 16 KiB in many proxies.
 */
export const MAX_BEARER_BYTES = 16 * KIB - 512;

/** How often a client looks at most whether the file of its token has changed. */
export const CLIENT_TOKEN_LOOK_MS = SECOND;

/** When a client that met a draining server should try again. */
export const DRAINING_RETRY_MS = SECOND;

/** Clients' request messages up to this multiple of the limit are refused with a typed error. */
export const OVERSIZE_HEADROOM = 2;

/**
 * Bytes that a small heap may grow by before all of it is collected: twice the 32 MiB of
 * memory outside of it after which V8 collects young objects, and what it keeps in reserve.
 */
export const HEAP_GROWTH_BYTES = 64 * MIB;

/** How often the size of the heap is looked at for that. */
export const HEAP_LOOK_MS = 5 * SECOND;

/** Bytes of a token file: some ten thousand lines, which are read in one step of some milliseconds. */
export const MAX_TOKEN_FILE_BYTES = MIB;

/** Bytes of a policy file, which take some tens of milliseconds to read when it changes. */
export const MAX_POLICY_BYTES = 256 * KIB;

/** Bytes of one pattern in it: no path is longer, `PATH_MAX` of Linux. */
export const MAX_POLICY_PATTERN_BYTES = 4 * KIB;

/** How long a tool may take to look up a user, whom a server elsewhere may know. */
export const TOOL_MS = 10 * SECOND;

/** Bytes that it may say: much more than the groups of a user take. */
export const MAX_TOOL_OUTPUT_BYTES = 64 * KIB;

/** How long users that were looked up are known, and how many: who may do what changes seldom. */
export const USER_KEEP_MS = 10 * SECOND;
export const MAX_KNOWN_USERS = 256;

/** Bytes of the name of a user: those of Linux have 32, those of directories may have more. */
export const MAX_USER_NAME_BYTES = 256;
