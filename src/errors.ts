/**
 * Every way in which a call can fail, in one place: the reason that clients see
 * (`ErrorReason` in the protos, without its prefix), its status code, and what
 * it says. Code below `server/` throws a {@link RunletError}; `server/status.ts`
 * alone turns it into a gRPC status.
 */

/** The `domain` of every `google.rpc.ErrorInfo` that a server of runlet sends. */
export const ERROR_DOMAIN = 'runlet.v1';

/** The gRPC status codes that reasons map to, by name. */
export type StatusName =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'PERMISSION_DENIED'
  | 'UNAUTHENTICATED'
  | 'OUT_OF_RANGE'
  | 'RESOURCE_EXHAUSTED'
  | 'DATA_LOSS'
  | 'UNAVAILABLE'
  | 'INTERNAL';

interface ReasonDefinition {
  readonly status: StatusName;
  /** What is said where the place that throws has nothing more exact to say. */
  readonly message: string;
}

/** Every reason, its status and its text. */
export const REASONS = {
  INVALID_REQUEST: { status: 'INVALID_ARGUMENT', message: 'the request is not valid' },
  UNAUTHENTICATED: {
    status: 'UNAUTHENTICATED',
    message: 'the call has no credentials that are accepted here',
  },
  GRANT_MISSING: {
    status: 'PERMISSION_DENIED',
    message: 'the credentials do not grant this',
  },
  POLICY_DENIED: { status: 'PERMISSION_DENIED', message: 'the policy of the server forbids this' },
  SESSION_EXISTS: { status: 'ALREADY_EXISTS', message: 'the session id is in use' },
  SESSION_NOT_FOUND: { status: 'NOT_FOUND', message: 'no such session' },
  SESSION_CLOSED: { status: 'NOT_FOUND', message: 'the session was closed' },
  SESSION_ALREADY_ATTACHED: {
    status: 'FAILED_PRECONDITION',
    message: 'the session is attached already',
  },
  ATTACHMENT_SUPERSEDED: {
    status: 'ABORTED',
    message: 'another attachment took over the session',
  },
  PROCESS_NOT_FOUND: { status: 'NOT_FOUND', message: 'no such process in this session' },
  PROCESS_EVICTED: {
    status: 'NOT_FOUND',
    message: 'the process was closed and its retention is over',
  },
  PROCESS_EXISTS: {
    status: 'ALREADY_EXISTS',
    message: 'the session has a process with this id',
  },
  REQUEST_MISMATCH: {
    status: 'ALREADY_EXISTS',
    message: 'this id of a request or an upload was used before, for something else',
  },
  STDIN_CLOSED: { status: 'FAILED_PRECONDITION', message: 'stdin of the process is closed' },
  NO_TERMINAL: { status: 'FAILED_PRECONDITION', message: 'the process has no terminal' },
  PROCESS_EXITED: {
    status: 'FAILED_PRECONDITION',
    message: 'the process exited and nothing is left to signal',
  },
  SIGNAL_DENIED: {
    status: 'PERMISSION_DENIED',
    message: 'the process runs as another user, whom the server may not signal',
  },
  START_FAILED: { status: 'FAILED_PRECONDITION', message: 'the process could not be started' },
  STDIN_OFFSET_GAP: {
    status: 'OUT_OF_RANGE',
    message: 'offset lies beyond what stdin accepted so far',
  },
  SEQ_BEYOND_END: { status: 'OUT_OF_RANGE', message: 'after_seq lies beyond the last event' },
  FILE_NOT_FOUND: { status: 'NOT_FOUND', message: 'no such file' },
  UPLOAD_NOT_FOUND: { status: 'NOT_FOUND', message: 'no such upload in this session' },
  FILE_EXISTS: { status: 'ALREADY_EXISTS', message: 'there is something at this path' },
  FILE_ACCESS_DENIED: {
    status: 'PERMISSION_DENIED',
    message: 'the system does not let the server do this',
  },
  OUTSIDE_ROOT: {
    status: 'PERMISSION_DENIED',
    message: 'the path leads out of the folders that the server may use',
  },
  NOT_A_DIRECTORY: { status: 'FAILED_PRECONDITION', message: 'not a directory' },
  IS_A_DIRECTORY: { status: 'FAILED_PRECONDITION', message: 'is a directory' },
  NOT_A_REGULAR_FILE: { status: 'FAILED_PRECONDITION', message: 'not a regular file' },
  DIRECTORY_NOT_EMPTY: { status: 'FAILED_PRECONDITION', message: 'the directory is not empty' },
  CROSS_DEVICE: {
    status: 'FAILED_PRECONDITION',
    message: 'the two paths are on different file systems',
  },
  READ_ONLY_FILE_SYSTEM: { status: 'FAILED_PRECONDITION', message: 'the file system is read-only' },
  TOO_MANY_SYMLINKS: {
    status: 'FAILED_PRECONDITION',
    message: 'too many links on the way, or one that is not followed',
  },
  VERSION_MISMATCH: {
    status: 'FAILED_PRECONDITION',
    message: 'the file has not this version, or is not there',
  },
  UPLOAD_UNFINISHED: {
    status: 'FAILED_PRECONDITION',
    message: 'the stream ended before it said that all was sent',
  },
  FILE_BUSY: { status: 'FAILED_PRECONDITION', message: 'the file is in use' },
  UPLOAD_OFFSET_GAP: {
    status: 'OUT_OF_RANGE',
    message: 'offset lies beyond what was accepted of the upload so far',
  },
  NO_SPACE: { status: 'RESOURCE_EXHAUSTED', message: 'no space left' },
  CHECKSUM_MISMATCH: {
    status: 'DATA_LOSS',
    message: 'what arrived has not the hash or the size that was named',
  },
  FILE_CHANGED: { status: 'ABORTED', message: 'the file was changed while it was read' },
  UPLOAD_SUPERSEDED: {
    status: 'ABORTED',
    message: 'another call goes on with the upload, or has ended it',
  },
  FILE_FAILED: { status: 'INTERNAL', message: 'the system failed' },
  SANDBOX_UNAVAILABLE: {
    status: 'FAILED_PRECONDITION',
    message: 'the sandbox cannot be enforced here',
  },
  SANDBOX_REQUIRED: {
    status: 'PERMISSION_DENIED',
    message: 'the server does nothing without a sandbox',
  },
  HTTP_FAILED: { status: 'UNAVAILABLE', message: 'the HTTP request failed' },
  TUNNEL_FAILED: { status: 'UNAVAILABLE', message: 'the connection could not be made' },
  EGRESS_DENIED: {
    status: 'PERMISSION_DENIED',
    message: 'the operator of the server does not let this be reached',
  },
  CONNECTION_NOT_FOUND: {
    status: 'NOT_FOUND',
    message: 'the connection is gone, or was taken over',
  },
  LISTEN_DENIED: {
    status: 'PERMISSION_DENIED',
    message: 'the operator of the server does not let anybody listen at this address',
  },
  LIMIT_EXCEEDED: { status: 'RESOURCE_EXHAUSTED', message: 'a limit of the server is reached' },
  AUDIT_UNAVAILABLE: {
    status: 'UNAVAILABLE',
    message: 'the server does nothing now that it cannot record',
  },
  DRAINING: { status: 'UNAVAILABLE', message: 'the server is shutting down' },
  INTERNAL: { status: 'INTERNAL', message: 'internal error' },
} as const satisfies Record<string, ReasonDefinition>;

/** A reason, as clients see it in `google.rpc.ErrorInfo`. */
export type Reason = keyof typeof REASONS;

/** A field of a request that is wrong, and why. */
export interface FieldViolation {
  /** The path of the field from the request, as the protos spell it. */
  readonly field: string;
  readonly description: string;
}

/** Where a start failed. */
export type StartStage = 'CWD' | 'PROGRAM' | 'TERMINAL' | 'SPAWN' | 'SANDBOX';

/** Why a process could not be started. */
export interface StartFailureDetail {
  readonly stage: StartStage;
  /** The name of the system's error: `ENOENT`. */
  readonly errnoName: string;
  readonly message: string;
}

/** Why a sandbox could not be enforced. */
export interface SandboxFailureDetail {
  /** The name of a probe, `rule`, `mechanism`, or `limits`: see the protos. */
  readonly step: string;
  /** The name of the system's error, `ENOENT`; empty where it is none. */
  readonly errnoName: string;
  readonly message: string;
}

/** What failed of a file. */
export interface FileFailureDetail {
  /** A system call, or the rpc in lower case with underscores. */
  readonly operation: string;
  /** A text of system-text.ts, which stands for bytes. */
  readonly path: string;
  /** The name of the system's error, `ENOENT`; empty where it is none. */
  readonly errnoName: string;
  readonly message: string;
  /** Of what was done in part: how many entries were done. */
  readonly entries: number;
}

/** The stages at which an HTTP request fails. */
export type HttpStage =
  | 'DNS'
  | 'CONNECT'
  | 'TLS'
  | 'REQUEST'
  | 'HEADER'
  | 'BODY'
  | 'REDIRECT'
  | 'TIMEOUT'
  | 'DENIED';

/** Why an HTTP request has no whole answer. */
export interface HttpFailureDetail {
  readonly stage: HttpStage;
  /** What exactly, as the protos list it; empty: nothing more is known. */
  readonly code: string;
  /** For people, without paths and queries of URLs. */
  readonly message: string;
  /** `host:port`. */
  readonly target: string;
}

/** The stages at which a connection fails. */
export type TunnelStage = 'RESOLVE' | 'CONNECT' | 'TIMEOUT' | 'DENIED' | 'LISTEN' | 'NAMESPACE';

/** Why there is no connection. */
export interface TunnelFailureDetail {
  readonly stage: TunnelStage;
  /** The name of the system's error or the resolver's, `ENOENT`; empty where it is none. */
  readonly errnoName: string;
  readonly message: string;
  /** `host:port`, or a path. */
  readonly target: string;
}

/** What an error may carry beside its reason. */
export interface ErrorDetails {
  /** Said instead of the reason's own text. No secrets, no contents. */
  readonly message?: string;
  /** Facts for programs, sent as the metadata of `ErrorInfo`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  readonly startFailure?: StartFailureDetail;
  readonly fileFailure?: FileFailureDetail;
  readonly sandboxFailure?: SandboxFailureDetail;
  readonly httpFailure?: HttpFailureDetail;
  readonly tunnelFailure?: TunnelFailureDetail;
  /** When a retry may help, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** What it came from, for the log alone. */
  readonly cause?: unknown;
}

/** The one error that the code below `server/` throws on purpose. */
export class RunletError extends Error {
  readonly reason: Reason;
  readonly details: ErrorDetails;

  constructor(reason: Reason, details: ErrorDetails = {}) {
    super(
      details.message ?? REASONS[reason].message,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.name = 'RunletError';
    this.reason = reason;
    this.details = details;
  }
}

/** A request that is wrong in itself, for one field. */
export function invalidField(field: string, description: string): RunletError {
  return new RunletError('INVALID_REQUEST', {
    message: `${field}: ${description}`,
    violations: [{ field, description }],
  });
}

/**
 * A limit of the server, named as the protos' `Limits` name it; and when a retry may help, in
 * milliseconds from now, where that is known.
 */
export function limitExceeded(limit: string, maximum: number, retryAfterMs?: number): RunletError {
  return new RunletError('LIMIT_EXCEEDED', {
    message: `the server's limit ${limit} of ${maximum} is reached`,
    metadata: { limit, maximum: String(maximum) },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
