import type { ProcessStateName } from '../names.ts';

/** How a server is watched. */
export interface WatchStatsOptions {
  /** How often it is told, in milliseconds, within what the server allows. Default: 1000. */
  readonly intervalMs?: number;
  /** Of all callers, which needs the grant `admin`. Default: of this one. */
  readonly all?: boolean;
  /** Ends it, with its reason. */
  readonly signal?: AbortSignal;
  /** Told when the connection broke (false), and when there is one again (true). */
  readonly onConnectionChange?: (connected: boolean) => void;
}

/** What sessions and processes are at a moment, and use. */
export interface Stats {
  /** When that was, by the clock of the server. */
  readonly time: Date;
  /** In the order in which they were told of. */
  readonly sessions: readonly SessionStats[];
  readonly processes: readonly ProcessStats[];
  readonly totals: StatsTotals;
  /** The server itself; undefined: this caller is not told. */
  readonly server: ServerStats | undefined;
  /**
   * Changes each time that it was looked at what processes use, which is more seldom where there are
   * many of them; undefined: the server cannot tell of that.
   */
  readonly usageLook: number | undefined;
  /** Rounds that the server left out before this one, since this program was not fast enough. */
  readonly skipped: number;
}

/** A session. */
export interface SessionStats {
  readonly id: string;
  /** The name of the caller whose it is. */
  readonly owner: string;
  readonly createTime: Date;
  /** Whether a client is attached to it. */
  readonly attached: boolean;
  /** Processes that run, and those that are retained. */
  readonly processCount: number;
}

/** A process, and what it uses with all that came of it. */
export interface ProcessStats {
  readonly id: string;
  /** Undefined: it is in none, as those of `Run` of the contract. */
  readonly sessionId: string | undefined;
  /** The name of the caller whose it is. */
  readonly owner: string;
  /** The first of its command line. */
  readonly program: string;
  /** Its number on the server's machine, for people. */
  readonly pid: number;
  readonly startTime: Date;
  /** Once it has exited. */
  readonly exitTime: Date | undefined;
  readonly state: ProcessStateName;
  /** The processor time that it has used, in milliseconds; undefined: not known. */
  readonly cpuMs: number | undefined;
  /**
   * How many processors it used of late, 1 for one that never waits; undefined: not known yet, since
   * it takes two looks.
   */
  readonly cpu: number | undefined;
  /** The memory that it has; undefined: not known. */
  readonly residentBytes: number | undefined;
  /** How many processes it is. */
  readonly members: number;
  /** What it wrote, to all of its streams. */
  readonly outputBytes: number;
  /** What it wrote of late, in bytes a second; undefined: not known yet. */
  readonly outputRate: number | undefined;
  /** What its stdin was given. */
  readonly stdinBytes: number;
  /** What its stdin was given of late, in bytes a second; undefined: not known yet. */
  readonly stdinRate: number | undefined;
  /** What its retained output takes of memory, and of files. */
  readonly retainedMemoryBytes: number;
  readonly retainedFileBytes: number;
  /** How many read its events. */
  readonly readers: number;
  /** What was not sent yet to the slowest of them. */
  readonly lagBytes: number;
}

/** How many there are, and what they have together. */
export interface StatsTotals {
  readonly attachedSessions: number;
  readonly detachedSessions: number;
  readonly runningProcesses: number;
  /** Whose output may go on. */
  readonly exitedProcesses: number;
  /** Which are retained. */
  readonly closedProcesses: number;
  readonly retainedMemoryBytes: number;
  readonly retainedFileBytes: number;
  /** Calls under way of the same callers. */
  readonly openCalls: number;
}

/** A server, and what it uses itself. */
export interface ServerStats {
  /** The processor time that it has used since it began, in milliseconds. */
  readonly cpuMs: number;
  /** How many processors it used of late; undefined: not known yet. */
  readonly cpu: number | undefined;
  readonly residentBytes: number;
  /** The longest that it was late for what was due of late, in milliseconds; undefined: not known yet. */
  readonly eventLoopDelayMs: number | undefined;
  /** The part of the time in which it was busy of late, from 0 to 1; undefined: not known yet. */
  readonly eventLoopUtilization: number | undefined;
  /** Processes that are being started. */
  readonly startingProcesses: number;
}
