/** What could not be done: beginning a file, or writing or reading a block. */
export type SpoolOperation = 'open' | 'write' | 'read';

/** The system's names of errors, which Node.js has in `code`, among names of its own. */
const ERRNO_NAME = /^E[A-Z0-9]+$/;

/**
 * A block could not be written or read. Output is lost to readers by that, and
 * nothing else.
 */
export class SpoolError extends Error {
  readonly operation: SpoolOperation;
  /**
   * The name of the system's error: `ENOSPC`. `EBADMSG` if a file does not hold
   * what was written to it; `ECANCELED` if the block or its log was given up.
   */
  readonly errnoName: string;

  constructor(operation: SpoolOperation, errnoName: string, cause?: unknown) {
    super(`spool: ${operation} failed: ${errnoName}`, cause === undefined ? undefined : { cause });
    this.name = 'SpoolError';
    this.operation = operation;
    this.errnoName = errnoName;
  }
}

/** What was caught as a {@link SpoolError}. */
export function toSpoolError(operation: SpoolOperation, error: unknown): SpoolError {
  if (error instanceof SpoolError) return error;
  return new SpoolError(operation, errnoNameOf(error) ?? 'EIO', error);
}

/** The name of the system's error; undefined if it is not one. */
export function errnoNameOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && ERRNO_NAME.test(code) ? code : undefined;
}
