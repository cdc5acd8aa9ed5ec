/** Something could not be done with a file of this machine, or was not asked for. */
export class LocalFileError extends Error {
  override readonly name = 'LocalFileError';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}
