import type { FileFailureDetail, Reason } from '../errors.ts';

/**
 * What an operation on files fails with, in the thread that does it. It is told to the one that
 * asked as {@link FaultMessage}, which can be cloned.
 */
export class FileFault extends Error {
  readonly reason: Reason;
  readonly failure: FileFailureDetail;
  /** Facts for programs: the metadata of the status. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(
    reason: Reason,
    failure: Partial<FileFailureDetail> & Pick<FileFailureDetail, 'operation' | 'path'>,
    metadata: Readonly<Record<string, string>> = {},
  ) {
    super(`${failure.operation}: ${failure.message ?? reason}`);
    this.reason = reason;
    this.failure = { errnoName: '', message: '', entries: 0, ...failure };
    this.metadata = metadata;
  }
}

/** A {@link FileFault} on its way between threads. */
export interface FaultMessage {
  readonly reason: Reason;
  readonly failure: FileFailureDetail;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What each error of the system means, by its name in `<errno.h>`. */
const REASONS_OF_ERRNO: Readonly<Record<string, Reason>> = {
  ENOENT: 'FILE_NOT_FOUND',
  EEXIST: 'FILE_EXISTS',
  EACCES: 'FILE_ACCESS_DENIED',
  EPERM: 'FILE_ACCESS_DENIED',
  ENOTDIR: 'NOT_A_DIRECTORY',
  EISDIR: 'IS_A_DIRECTORY',
  ENOTEMPTY: 'DIRECTORY_NOT_EMPTY',
  EXDEV: 'CROSS_DEVICE',
  EROFS: 'READ_ONLY_FILE_SYSTEM',
  ELOOP: 'TOO_MANY_SYMLINKS',
  EBUSY: 'FILE_BUSY',
  ETXTBSY: 'FILE_BUSY',
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EMFILE: 'LIMIT_EXCEEDED',
  ENFILE: 'LIMIT_EXCEEDED',
  // A path, or a name in it, that is too long for the system; a name that its file system cannot have.
  ENAMETOOLONG: 'INVALID_REQUEST',
  EILSEQ: 'INVALID_REQUEST',
};

/** The fault that an error of an operation is; one that is no error of the system is thrown on. */
export function faultOf(error: unknown, operation: string, path: string): FileFault {
  if (error instanceof FileFault) return error;
  const errnoName = errnoNameIn(error);
  if (errnoName === undefined) throw error;
  const { message, syscall } = error as NodeJS.ErrnoException;
  return new FileFault(
    REASONS_OF_ERRNO[errnoName] ?? 'FILE_FAILED',
    { operation: syscall ?? operation, path, errnoName, message: withoutPaths(message) },
    errnoName === 'EMFILE' || errnoName === 'ENFILE' ? { limit: errnoName } : {},
  );
}

function errnoNameIn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  return errno !== undefined && typeof code === 'string' ? code : undefined;
}

/** Node.js names paths in its messages, by which we reach files: descriptors, which mean nothing. */
function withoutPaths(message: string): string {
  return message.replace(/, \w+ '.*$/s, '').replace(/^[A-Z0-9]+: /, '');
}
