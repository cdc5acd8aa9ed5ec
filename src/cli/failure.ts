import { callErrorDetails, describeCallError, isCallError } from '../client/call-error.ts';
import { StartStage } from '../gen/runlet/v1/error_pb.ts';

/** The exit code for arguments that make no sense. */
export const USAGE_EXIT_CODE = 2;

/** The exit code if runlet itself fails; these three are what env(1) and nohup(1) have. */
const FAILURE_EXIT_CODE = 125;
/** The exit code if the program was found but cannot be executed. */
const CANNOT_EXECUTE_EXIT_CODE = 126;
/** The exit code if the program was not found. */
const NOT_FOUND_EXIT_CODE = 127;

/** Says in one line why runlet could not do what it was asked to, and lets it exit. */
export function fail(error: unknown): void {
  process.stderr.write(`runlet: ${describeCallError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  const failure = isCallError(error) ? callErrorDetails(error).startFailure : undefined;
  if (failure?.stage !== StartStage.PROGRAM) return FAILURE_EXIT_CODE;
  return failure.errnoName === 'ENOENT' ? NOT_FOUND_EXIT_CODE : CANNOT_EXECUTE_EXIT_CODE;
}
