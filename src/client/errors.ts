import type { Reason, StartStage } from '../errors.ts';
import { RunletClientError } from './client-error.ts';

/** Where a start failed, and why. */
export interface StartFailureInfo {
  readonly stage: StartStage;
  /** The name of the system's error: `ENOENT`. */
  readonly errnoName: string;
  readonly message: string;
}

/** Why a sandbox could not be enforced. */
export interface SandboxFailureInfo {
  /** What failed: `rule`, `mechanism`, `limits`, or the name of a probe of the server's. */
  readonly step: string;
  /** The name of the system's error: `ENOENT`. Empty: it is none of the system. */
  readonly errnoName: string;
  readonly message: string;
}

/** A field of a request that the server calls wrong. */
export interface FieldProblem {
  /** The path of the field, as the protos spell it. */
  readonly field: string;
  readonly description: string;
}

/** What a refusal of the server says. @internal */
export interface Refusal {
  readonly message: string;
  readonly reason: Reason | undefined;
  readonly status: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly startFailure?: StartFailureInfo | undefined;
  readonly sandboxFailure?: SandboxFailureInfo | undefined;
  readonly violations?: readonly FieldProblem[];
  readonly cause?: unknown;
}

/** The server answered, and refused. Asking again in the same way changes nothing. */
export class RemoteError extends RunletClientError {
  override readonly name: string = 'RemoteError';
  /** Why: `ErrorReason` of the protos without its prefix; undefined: it did not say. */
  readonly reason: Reason | undefined;
  /** The status code of gRPC, by its name: `NOT_FOUND`. */
  readonly status: string;
  /** Facts for programs that go with the reason. */
  readonly metadata: Readonly<Record<string, string>>;
  /** With `START_FAILED`. */
  readonly startFailure: StartFailureInfo | undefined;
  /** With `SANDBOX_UNAVAILABLE`, and with `START_FAILED` at the stage `SANDBOX`. */
  readonly sandboxFailure: SandboxFailureInfo | undefined;
  /** With `INVALID_REQUEST`. */
  readonly violations: readonly FieldProblem[];

  /** @internal */
  constructor(refusal: Refusal) {
    const { cause, message, metadata, reason, startFailure, status, violations } = refusal;
    super('REFUSED', message, cause);
    this.reason = reason;
    this.status = status;
    this.metadata = metadata ?? {};
    this.startFailure = startFailure;
    this.sandboxFailure = refusal.sandboxFailure;
    this.violations = violations ?? [];
  }
}

/**
 * Why a session cannot be used any more:
 *
 * - `expired`: the server does not know it: nobody needed it for its `detachedTtlMs`, or
 *   it was of a server that is gone.
 * - `closed`: somebody else closed it.
 * - `superseded`: another client attached to it.
 * - `credentials-refused`: the server does not let this client in any more.
 * - `window-passed`: no connection could be had within the recovery window.
 * - `server-shutdown`: the server shut down, and the session ended with it.
 * - `refused`: the server refused to attach the client for another reason; see `cause`.
 * - `left`: this client closed it, or detached from it.
 */
export type SessionLostReason =
  | 'expired'
  | 'closed'
  | 'superseded'
  | 'credentials-refused'
  | 'window-passed'
  | 'server-shutdown'
  | 'refused'
  | 'left';

const LOST_MESSAGES: Readonly<Record<SessionLostReason, string>> = {
  expired: 'the server does not know the session (any more)',
  closed: 'the session was closed',
  superseded: 'another client took over the session',
  'credentials-refused': 'the server refused the credentials',
  'window-passed': 'no connection to the server could be had within the recovery window',
  'server-shutdown': 'the server shut down',
  refused: 'the server refused to attach to the session',
  left: 'the session was left by this client',
};

/** The session is over for this client: all that is pending fails with it, and all that comes. */
export class SessionLostError extends RunletClientError {
  override readonly name = 'SessionLostError';
  readonly reason: SessionLostReason;
  readonly sessionId: string;

  constructor(reason: SessionLostReason, sessionId: string, cause?: unknown) {
    super('SESSION_LOST', LOST_MESSAGES[reason], cause);
    this.reason = reason;
    this.sessionId = sessionId;
  }
}

/**
 * The connection failed. `outcomeUnknown`: the call had been sent and cannot be repeated
 * without the risk that it is done twice, so it may or may not have been done.
 */
export class ConnectionError extends RunletClientError {
  override readonly name = 'ConnectionError';
  readonly outcomeUnknown: boolean;

  constructor(message: string, outcomeUnknown: boolean, cause?: unknown) {
    super(outcomeUnknown ? 'OUTCOME_UNKNOWN' : 'UNREACHABLE', message, cause);
    this.outcomeUnknown = outcomeUnknown;
  }
}

/**
 * Somebody else wrote to the same stdin, so that what this client wrote was taken for a
 * repetition, at least in part, and left out. Whoever attaches to the session alone has no
 * such company.
 */
export class StdinConflictError extends RunletClientError {
  override readonly name = 'StdinConflictError';

  constructor() {
    super('STDIN_CONFLICT', 'another client wrote to the standard input of the process');
  }
}
