import { RunletError } from './errors.ts';
import { DRAINING_RETRY_MS } from './limits.ts';

/** What is told of a call that is refused, or ended, since the server shuts down. */
export function draining(): RunletError {
  return new RunletError('DRAINING', { retryAfterMs: DRAINING_RETRY_MS });
}
