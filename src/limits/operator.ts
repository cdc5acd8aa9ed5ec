import { HOUR, KIB, MIB, MINUTE, SECOND } from '../units.ts';
import { CALL_MEMORY_BYTES } from './calls.ts';
import { MAX_ARGV_BYTES } from './processes.ts';

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
  /** How long nothing may be sent over a connection before it is reset. */
  readonly tunnelIdleMs: number;
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
  // A pool of a database keeps a connection so long.
  tunnelIdleMs: HOUR,
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
