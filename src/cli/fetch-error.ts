import { RemoteError } from '../client/index.ts';
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
