import { type ProcessSpec, RemoteError } from '../client/index.ts';

/** A process could not be started. Says which program, or in which folder. */
export class StartError extends Error {
  override readonly name = 'StartError';
  override readonly cause: RemoteError;

  constructor(what: string, cause: RemoteError) {
    super(`${what}: ${cause.message}`);
    this.cause = cause;
  }
}

/** Has a start that fails say what it was about, where the server does not. */
export async function namingStart<T>(spec: ProcessSpec, starting: Promise<T>): Promise<T> {
  try {
    return await starting;
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    const stage = error.startFailure?.stage;
    const what = stage === 'CWD' ? spec.cwd : spec.argv[0];
    if (what === undefined || stage === undefined) throw error;
    throw new StartError(Buffer.from(what).toString(), error);
  }
}
