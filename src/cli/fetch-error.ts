import { HttpError } from '../client/index.ts';
import {
  CONNECT_EXIT_CODE,
  PARTIAL_EXIT_CODE,
  RECEIVE_EXIT_CODE,
  REDIRECT_EXIT_CODE,
  RESOLVE_EXIT_CODE,
  SEND_EXIT_CODE,
  TIMEOUT_EXIT_CODE,
  TLS_EXIT_CODE,
} from './exit-codes.ts';

/** There is no whole answer, or not the one that was asked for. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}

/** Of what is denied nothing was tried: it is no failure of the network. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  DNS: RESOLVE_EXIT_CODE,
  CONNECT: CONNECT_EXIT_CODE,
  TLS: TLS_EXIT_CODE,
  REQUEST: SEND_EXIT_CODE,
  HEADER: RECEIVE_EXIT_CODE,
  BODY: PARTIAL_EXIT_CODE,
  REDIRECT: REDIRECT_EXIT_CODE,
  TIMEOUT: TIMEOUT_EXIT_CODE,
};

/** Has what fails of an exchange have the exit code of curl(1). */
export async function namingFetch<T>(acting: Promise<T>): Promise<T> {
  try {
    return await acting;
  } catch (error) {
    const exitCode = error instanceof HttpError ? EXIT_CODES[error.stage] : undefined;
    if (!(error instanceof HttpError) || exitCode === undefined) throw error;
    const why = error.failure === '' ? (error.reason ?? error.status) : error.failure;
    throw new FetchError(`${error.message} (${why})`, exitCode, error);
  }
}
