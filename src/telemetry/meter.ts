import type { TraceContext } from './tracing/trace-context.ts';

/*
 * What the rooms of a server tell of what they do, to be counted. They know nothing of metrics:
 * each call adds to a number, or does nothing where nobody counts. Nothing that is told names a
 * session, a process or a caller.
 */

/** What came of a start. `refused`: by a limit, or since it could not be recorded; `cancelled`: nobody wanted it any more. */
export const START_RESULTS = ['ok', 'failed', 'denied', 'refused', 'cancelled'] as const;

/** One of {@link START_RESULTS}. */
export type StartResult = (typeof START_RESULTS)[number];

/**
 * The parts of a start, one after the other: waiting for its turn, making the request of what the
 * spec says, and having the system do it.
 */
export const START_STAGES = ['queue', 'prepare', 'launch'] as const;

/** One of {@link START_STAGES}. */
export type StartStage = (typeof START_STAGES)[number];

/** Why a server is not to be given new work. */
export const UNREADY_REASONS = [
  /** It shuts down. */
  'draining',
  /** There are as many sessions as `--high-water` says. */
  'sessions',
  /** It uses as much memory as `--high-water` says. */
  'memory',
  /** Its folder for state cannot be written. */
  'state-folder',
  /** Output cannot be kept in files. */
  'output-files',
  /** Its audit cannot be written. */
  'audit',
] as const;

/** One of {@link UNREADY_REASONS}. */
export type UnreadyReason = (typeof UNREADY_REASONS)[number];

/**
 * Counts what a server does. No method of it throws. Times are in seconds; `trace`: where in which
 * trace it was, where somebody traces.
 */
export interface Meter {
  /** A call began, of the method with this path: `/runlet.v1.ProcessService/Run`. */
  callBegan(path: string): void;
  /** A call that began is over. `code`: the name of its status. */
  callEnded(path: string, code: string, seconds: number, trace?: TraceContext): void;
  /** A call was answered before it began: nobody was let in, or there is no such method. */
  callTurnedAway(path: string, code: string): void;
  /** Something was asked for beyond a limit, named as clients see it. */
  refused(limit: string): void;
  /** Something was asked for that may not be done. `reason`: as clients see it. */
  denied(reason: string): void;
  /** Somebody said who it is, in one of the ways of `AUTH_KINDS`, or in none that is taken: `other`. */
  loggedIn(kind: string, ok: boolean): void;
  /** A start is over. */
  startEnded(result: StartResult): void;
  /** A part of a start is over. */
  startStage(stage: StartStage, seconds: number, trace?: TraceContext): void;
  /** A process ended. `reason`: an `EndReason`. */
  processEnded(reason: string): void;
  /** A process wrote to a stream. */
  output(stream: string, bytes: number): void;
  /** Bytes were handed to the stdin of a process. */
  stdin(bytes: number): void;
  /** A reader was told of bytes that are not retained any more. */
  gap(bytes: number): void;
  /** A file of output could not be written or read. */
  spoolFailed(): void;
  /** The retention of a closed process was over, and it was forgotten. */
  evicted(): void;
  /** An attachment fenced another that was there. */
  takenOver(): void;
  /** A session ended since nobody needed it. */
  expired(): void;
  /** Lines of the audit could not be written, and are tried again. */
  auditFailed(): void;
  /** A line of the audit was left out, since too many wait. */
  auditLineLost(): void;
}

const nothing = (): void => {};

/** Counts nothing. */
export const NO_METER: Meter = {
  callBegan: nothing,
  callEnded: nothing,
  callTurnedAway: nothing,
  refused: nothing,
  denied: nothing,
  loggedIn: nothing,
  startEnded: nothing,
  startStage: nothing,
  processEnded: nothing,
  output: nothing,
  stdin: nothing,
  gap: nothing,
  spoolFailed: nothing,
  evicted: nothing,
  takenOver: nothing,
  expired: nothing,
  auditFailed: nothing,
  auditLineLost: nothing,
};

/** How much there is of what a server holds, at one moment. */
export interface Gauges {
  /** Sessions by what they are. */
  readonly sessions: Readonly<Record<'attached' | 'detached', number>>;
  /** Processes by how far their lives have come. */
  readonly processes: Readonly<Record<'starting' | 'running' | 'exited' | 'closed', number>>;
  /** Bytes of retained output, by where they are. */
  readonly retained: Readonly<Record<'memory' | 'files', number>>;
  /** Readers that have much still to be sent, or do not say that it arrives. */
  readonly laggingSubscribers: number;
  /** Connections of clients. */
  readonly connections: number;
  /** Why no new work is to come; empty: it may. */
  readonly unready: readonly UnreadyReason[];
  /** What there may be at the most. */
  readonly bounds: Bounds;
  /**
   * When the certificate of the server is over, the first where listeners have several, in
   * milliseconds since 1970; undefined: it has none.
   */
  readonly certificateEnd: number | undefined;
}

/** What there may be of something at the most. */
export interface Bounds {
  readonly sessions: number;
  readonly processes: number;
  readonly connections: number;
  /** Bytes of retained output, by where they are. */
  readonly retained: Gauges['retained'];
}
