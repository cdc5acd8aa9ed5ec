import { RunletError } from '../errors.ts';

/** A sandbox that cannot be enforced: at which step, by which error of the system, empty if none. */
export function sandboxUnavailable(step: string, errnoName: string, message: string): RunletError {
  return new RunletError('SANDBOX_UNAVAILABLE', {
    message,
    sandboxFailure: { step, errnoName, message },
  });
}
