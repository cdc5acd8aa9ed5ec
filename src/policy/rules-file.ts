import type { Clock } from '../clock.ts';
import { MAX_POLICY_BYTES } from '../limits.ts';
import { assertOwnFile } from '../read-file.ts';
import { type WatchedFiles, watchFiles } from '../watched-files.ts';
import { SourceError, sourceText } from '../yaml-source.ts';

/** Where a file of an operator's rules is, and who is told of it. */
export interface RulesFileOptions<T> {
  /** An absolute path. */
  readonly path: string;
  /**
   * Reads the text of one.
   *
   * @throws SourceError
   */
  readonly parse: (text: string) => T;
  readonly clock: Clock;
  /** Others are in force. Not called for the first. */
  readonly onChange: (rules: T) => void;
  /**
   * The file cannot be taken as it is now; what was in force stays. Once for each such file.
   * Undefined: it can be again.
   */
  readonly onProblem: (error: SourceError | undefined) => void;
}

/**
 * Reads rules from a file that nobody else may change, and again when that changes: whoever can
 * write it decides what this server lets be done.
 *
 * @throws SourceError
 */
export function openRulesFile<T>(options: RulesFileOptions<T>): Promise<WatchedFiles<T>> {
  const { clock, onChange, onProblem, parse, path } = options;
  return watchFiles<T>({
    paths: [path],
    maxBytes: MAX_POLICY_BYTES,
    check: assertOwnFile,
    parse: (at) => parse(sourceText(at(path).bytes)),
    clock,
    onChange,
    onProblem: (problem) => onProblem(problem && problemOf(problem)),
  }).catch((error: Error) => {
    throw problemOf(error);
  });
}

function problemOf(error: Error): SourceError {
  return error instanceof SourceError ? error : new SourceError(error.message);
}
