import { constants } from 'node:os';
import type { ProcessExit } from '../client/index.ts';

/*
 * The exit codes of every command beside a process's own; docs/cli.md lists them. 124 is that
 * of timeout(1), 125 to 127 are those of env(1) and nohup(1).
 */

/** Something could not be done with a file, as the programs of coreutils have it. */
export const FILE_EXIT_CODE = 1;
/** `doctor`: the machine lacks what a server needs. */
export const MISSING_EXIT_CODE = 1;
/** `serve --status`: no server is up, as the Linux Standard Base has it of services. */
export const DOWN_EXIT_CODE = 3;
/* Those of curl(1), of `fetch`. */
/** The name of the host is unknown. */
export const RESOLVE_EXIT_CODE = 6;
/** There is no connection to the host. */
export const CONNECT_EXIT_CODE = 7;
/** The body of the answer was cut. */
export const PARTIAL_EXIT_CODE = 18;
/** With `--fail`: the status is 400 or more. */
export const STATUS_EXIT_CODE = 22;
/** It took too long. */
export const TIMEOUT_EXIT_CODE = 28;
/** There is no TLS with the host, or its certificate is not trusted. */
export const TLS_EXIT_CODE = 35;
/** A redirect leads nowhere. */
export const REDIRECT_EXIT_CODE = 47;
/** The request could not be sent whole. */
export const SEND_EXIT_CODE = 55;
/** No answer came. */
export const RECEIVE_EXIT_CODE = 56;
/** Some of the output that `logs` was asked for is not retained any more. */
export const LOST_OUTPUT_EXIT_CODE = 122;
/** Another client took over the session that was attached to. */
export const SUPERSEDED_EXIT_CODE = 123;
/** The process was ended after its `--timeout`. */
export const TIMED_OUT_EXIT_CODE = 124;
/** runlet itself failed. */
export const FAILURE_EXIT_CODE = 125;
/** The program was found but cannot be executed. */
export const CANNOT_EXECUTE_EXIT_CODE = 126;
/** The program was not found. */
export const NOT_FOUND_EXIT_CODE = 127;
/** The arguments make no sense. */
export const USAGE_EXIT_CODE = 2;

/** The exit code of a program that a signal ended, as shells have it. */
export function signalExitCode(signal: NodeJS.Signals | number): number {
  return 128 + (typeof signal === 'number' ? signal : constants.signals[signal]);
}

/** The exit code that stands for the end of a process: its own, unless it ran out of time. */
export function processExitCode({ code, reason, signalNumber }: ProcessExit): number {
  if (reason === 'timed-out') return TIMED_OUT_EXIT_CODE;
  return code ?? signalExitCode(signalNumber ?? 0);
}
