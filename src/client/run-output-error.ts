import { RunletClientError } from './client-error.ts';

/** A command wrote more than it was allowed to. It was terminated. */
export class RunOutputError extends RunletClientError {
  override readonly name = 'RunOutputError';
  readonly maxOutputBytes: number;

  constructor(maxOutputBytes: number) {
    super('OUTPUT_TOO_LARGE', `the command wrote more than ${maxOutputBytes} bytes`);
    this.maxOutputBytes = maxOutputBytes;
  }
}
