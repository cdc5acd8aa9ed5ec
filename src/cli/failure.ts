import { describeCallError } from '../client/call-error.ts';
import { ConnectionError, RemoteError, SessionLostError } from '../client/index.ts';
import {
  CANNOT_EXECUTE_EXIT_CODE,
  FAILURE_EXIT_CODE,
  NOT_FOUND_EXIT_CODE,
  SUPERSEDED_EXIT_CODE,
  signalExitCode,
  USAGE_EXIT_CODE,
} from './exit-codes.ts';
import { say } from './print.ts';
import { StartError } from './start-error.ts';
import { UsageError } from './usage-error.ts';

/** Says in one line why runlet could not do what it was asked to, and lets it exit. */
export function fail(error: unknown): void {
  process.exitCode = failureExitCode(error instanceof StartError ? error.cause : error);
  // As a program does that writes on.
  if (isBrokenPipe(error)) return;
  say(describeFailure(error));
}

/** A failure in one sentence, with its typed reason. */
function describeFailure(error: unknown): string {
  if (error instanceof StartError) return `${error.message} (${error.cause.reason})`;
  if (error instanceof RemoteError) return `${error.message} (${error.reason ?? error.status})`;
  if (error instanceof SessionLostError) return describeLoss(error);
  if (error instanceof ConnectionError) return `${error.message} (UNAVAILABLE)`;
  return describeCallError(error);
}

function describeLoss({ cause, message, reason, sessionId }: SessionLostError): string {
  // The server said it in words of its own.
  if (reason === 'refused' && cause instanceof RemoteError) return describeFailure(cause);
  return `session ${sessionId}: ${message} (${reason})`;
}

/** The exit code for a failure. */
function failureExitCode(error: unknown): number {
  // Whoever read our output went away.
  if (isBrokenPipe(error)) return signalExitCode('SIGPIPE');
  if (error instanceof UsageError) return USAGE_EXIT_CODE;
  if (error instanceof SessionLostError && error.reason === 'superseded') {
    return SUPERSEDED_EXIT_CODE;
  }
  const failure = error instanceof RemoteError ? error.startFailure : undefined;
  if (failure?.stage !== 'PROGRAM') return FAILURE_EXIT_CODE;
  return failure.errnoName === 'ENOENT' ? NOT_FOUND_EXIT_CODE : CANNOT_EXECUTE_EXIT_CODE;
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}
