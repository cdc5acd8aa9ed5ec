import { REASONS, type Reason } from '../../errors.ts';
import type { FileFailure } from '../../gen/runlet/v1/error_pb.ts';
import { type Refusal, RemoteError } from '../errors.ts';

/** What failed of a file. */
export interface FileFailureInfo {
  /** What was being done: the name of a system call, or of the rpc. */
  readonly operation: string;
  /** The file; with U+FFFD for what is not UTF-8. */
  readonly path: string;
  /** Its bytes, where they are not UTF-8. */
  readonly rawPath: Uint8Array | undefined;
  /** The name of the system's error: `ENOENT`. Empty: it is none of the system. */
  readonly errnoName: string;
  /** The same for people. */
  readonly message: string;
  /** Why: `FILE_NOT_FOUND` for example. */
  readonly reason: Reason;
  /** How many entries were done, of what was done in part. */
  readonly entries: number;
}

/** The server refused something about a file, or failed at it: `reason` says why. */
export class FileError extends RemoteError {
  override readonly name: string = 'FileError';
  /** What was being done: the name of a system call, or of the rpc. */
  readonly operation: string;
  /** The file; with U+FFFD for what is not UTF-8. */
  readonly path: string;
  /** Its bytes, where they are not UTF-8. */
  readonly rawPath: Uint8Array | undefined;
  /** The name of the system's error: `ENOENT`. Empty: it is none of the system. */
  readonly errnoName: string;
  /** How many entries were done, of what was done in part. */
  readonly entries: number;

  /** @internal */
  constructor(refusal: Refusal, failure: Omit<FileFailureInfo, 'message' | 'reason'>) {
    super(refusal);
    this.operation = failure.operation;
    this.path = failure.path;
    this.rawPath = failure.rawPath;
    this.errnoName = failure.errnoName;
    this.entries = failure.entries;
  }
}

/** What failed, of its message. @internal */
export function fileFailureInfo(failure: FileFailure): FileFailureInfo {
  return {
    operation: failure.operation,
    path: failure.path,
    rawPath: failure.rawPath.length === 0 ? undefined : failure.rawPath,
    errnoName: failure.errnoName,
    message: failure.message,
    reason: failure.reason as Reason,
    entries: Number(failure.entries),
  };
}

/** The error that a failure of a listing is where nobody takes it. @internal */
export function failureError(failure: FileFailureInfo): FileError {
  const { message, path, reason } = failure;
  const status = Object.hasOwn(REASONS, reason) ? REASONS[reason].status : 'UNKNOWN';
  return new FileError({ message: `${path}: ${message}`, reason, status }, failure);
}

/** What a file that is not what it was at first fails with. @internal */
export function fileChanged(
  path: string,
  rawPath: Uint8Array | undefined,
  cause: unknown,
): FileError {
  const { message, status } = REASONS.FILE_CHANGED;
  const failure = { operation: 'read_file', path, rawPath, errnoName: '', entries: 0 };
  return new FileError({ message, reason: 'FILE_CHANGED', status, cause }, failure);
}

/** Whether a call was refused for a reason. @internal */
export function isRefused(error: unknown, ...reasons: readonly Reason[]): boolean {
  return (
    error instanceof RemoteError && error.reason !== undefined && reasons.includes(error.reason)
  );
}
