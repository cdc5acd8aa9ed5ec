import type { Clock } from '../clock.ts';
import { MAX_POLICY_BYTES } from '../limits.ts';
import { assertOwnFile } from '../read-file.ts';
import { type WatchedFiles, watchFiles } from '../watched-files.ts';
import { PolicyError } from './policy-source.ts';

/** Where a file of an operator's rules is, and who is told of it. */
export interface RulesFileOptions<T> {
  /** An absolute path. */
  readonly path: string;
  /**
   * Reads the text of one.
   *
   * @throws PolicyError
   */
  readonly parse: (text: string) => T;
  readonly clock: Clock;
  /** Others are in force. Not called for the first. */
  readonly onChange: (rules: T) => void;
  /**
   * The file cannot be taken as it is now; what was in force stays. Once for each such file.
   * Undefined: it can be again.
   */
  readonly onProblem: (error: PolicyError | undefined) => void;
}

/**
 * Reads rules from a file that nobody else may change, and again when that changes: whoever can
 * write it decides what this server lets be done.
 *
 * @throws PolicyError
 */
export function openRulesFile<T>(options: RulesFileOptions<T>): Promise<WatchedFiles<T>> {
  const { clock, onChange, onProblem, parse, path } = options;
  return watchFiles<T>({
    paths: [path],
    maxBytes: MAX_POLICY_BYTES,
    check: assertOwnFile,
    parse: (at) => parse(textOf(at(path).bytes)),
    clock,
    onChange,
    onProblem: (problem) => onProblem(problem && problemOf(problem)),
  }).catch((error: Error) => {
    throw problemOf(error);
  });
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new PolicyError('it is not UTF-8');
  }
}

function problemOf(error: Error): PolicyError {
  return error instanceof PolicyError ? error : new PolicyError(error.message);
}
