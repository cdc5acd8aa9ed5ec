import { type ProcessSpec, RemoteError, type SystemText } from '../client/index.ts';

/** What a server refused, with what it was about, which the server does not say. */
export class NamedError extends Error {
  override readonly name = 'NamedError';
  override readonly cause: RemoteError;

  /** The program, the folder or the process. */
  readonly what: string;

  constructor(what: string, cause: RemoteError) {
    super(`${what}: ${cause.message}`);
    this.what = what;
    this.cause = cause;
  }
}

/** Has a start that fails say which program it was about, or which folder. */
export async function namingStart<T>(spec: ProcessSpec, starting: Promise<T>): Promise<T> {
  try {
    return await starting;
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    const stage = error.startFailure?.stage;
    const cwd =
      spec.cwd === undefined ? 'the working directory' : `working directory ${shown(spec.cwd)}`;
    const what = stage === 'CWD' ? cwd : shown(spec.argv[0] ?? '');
    // What is there for others need not be there for it.
    const where = spec.sandbox === undefined || stage === 'SANDBOX' ? '' : ' in its sandbox';
    throw stage === undefined ? error : new NamedError(`${what}${where}`, error);
  }
}

/** Has what fails say which process it was about. */
export async function namingProcess<T>(id: string, acting: Promise<T>): Promise<T> {
  try {
    return await acting;
  } catch (error) {
    throw error instanceof RemoteError ? new NamedError(`process ${id}`, error) : error;
  }
}

function shown(text: SystemText): string {
  return Buffer.from(text).toString();
}
