import type { Command } from 'commander';
import { describeCallError } from '../client/call-error.ts';
import {
  ConnectionError,
  FileError,
  OptionError,
  RemoteError,
  SandboxError,
  SessionLostError,
} from '../client/index.ts';
import { denialWords } from './denial-words.ts';
import {
  CANNOT_EXECUTE_EXIT_CODE,
  FAILURE_EXIT_CODE,
  FILE_EXIT_CODE,
  NOT_FOUND_EXIT_CODE,
  SUPERSEDED_EXIT_CODE,
  signalExitCode,
  USAGE_EXIT_CODE,
} from './exit-codes.ts';
import { FetchError } from './fetch-error.ts';
import { fileWords } from './file-words.ts';
import { flagOfField, flagOfLimit, optionWords } from './flag-words.ts';
import { LocalFileError } from './local-file-error.ts';
import { NamedError } from './named-error.ts';
import { say } from './print.ts';
import { sandboxWords, startWords } from './start-words.ts';
import { describeSystemError } from './system-reason.ts';
import { UsageError } from './usage-error.ts';
import { pointingToHelp } from './wrong-words.ts';

/**
 * Says in one line why runlet could not do what it was asked to, and lets it exit. `command`: that
 * whose help may say more.
 */
export function fail(error: unknown, command?: Command): void {
  process.exitCode = failureExitCode(error instanceof NamedError ? error.cause : error);
  // As a program does that writes on.
  if (isBrokenPipe(error)) return;
  const isForHelp = error instanceof UsageError && !error.saysWhatToDo;
  const text = describeFailure(error);
  say(command !== undefined && isForHelp ? pointingToHelp(text, command) : text);
}

/** A failure in one sentence, with its typed reason. */
export function describeFailure(error: unknown): string {
  if (error instanceof NamedError) return `${error.what}: ${describeFailure(error.cause)}`;
  if (error instanceof RemoteError)
    return `${describeRefusal(error)} (${error.reason ?? error.status})`;
  if (error instanceof SessionLostError) return describeLoss(error);
  if (error instanceof OptionError) return optionWords(error);
  if (error instanceof SandboxError) return `${error.message} (${error.code})`;
  if (error instanceof ConnectionError) return `${error.message} (UNAVAILABLE)`;
  return describeSystemError(error) ?? describeCallError(error);
}

/** Whether whoever answers is no server of runlet, or of a version that lacks what was asked. */
export function isUnknownCall(error: unknown): error is RemoteError {
  return (
    error instanceof RemoteError && error.reason === undefined && error.status === 'UNIMPLEMENTED'
  );
}

/** What a server refused, in the words of the command line rather than of the protos. */
function describeRefusal(error: RemoteError): string {
  const { message, metadata, reason, sandboxFailure, startFailure, violations } = error;
  if (error instanceof FileError && reason !== 'LIMIT_EXCEEDED') return fileWords(error);
  if (isUnknownCall(error)) {
    return `it does not know this call; is it a server of runlet, of this version? It says: ${message}`;
  }
  if (startFailure !== undefined) return startWords(startFailure);
  if (sandboxFailure !== undefined) return sandboxWords(sandboxFailure);
  if (violations.length > 0) {
    return violations
      .map(({ description, field }) => `${flagOfField(field)}: ${description}`)
      .join('; ');
  }
  const denied = denialWords(error);
  if (denied !== undefined) return denied;
  if (reason === 'PROCESS_EXISTS') return `--id: ${message}`;
  if (reason === 'SEQ_BEYOND_END') return '--since-seq: the process has no such event yet';
  const flag = flagOfLimit(metadata['limit'] ?? '');
  if (reason !== 'LIMIT_EXCEEDED' || flag === undefined) return message;
  return `the server's limit of ${metadata['maximum']} is reached: \`runlet serve ${flag}\` sets another`;
}

function describeLoss({ cause, message, reason, sessionId }: SessionLostError): string {
  // The server said it in words of its own.
  if (reason === 'refused' && cause instanceof RemoteError) return describeFailure(cause);
  return `session ${sessionId}: ${message} (${reason})`;
}

/** The exit code for a failure. */
export function failureExitCode(error: unknown): number {
  // Whoever read our output went away.
  if (isBrokenPipe(error)) return signalExitCode('SIGPIPE');
  if (error instanceof UsageError) return USAGE_EXIT_CODE;
  if (error instanceof SessionLostError && error.reason === 'superseded') {
    return SUPERSEDED_EXIT_CODE;
  }
  if (error instanceof FetchError) return error.exitCode;
  if (error instanceof FileError || error instanceof LocalFileError) return FILE_EXIT_CODE;
  const failure = error instanceof RemoteError ? error.startFailure : undefined;
  if (failure?.stage !== 'PROGRAM') return FAILURE_EXIT_CODE;
  return failure.errnoName === 'ENOENT' ? NOT_FOUND_EXIT_CODE : CANNOT_EXECUTE_EXIT_CODE;
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}
