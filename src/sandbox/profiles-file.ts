import type { Clock } from '../clock.ts';
import { MAX_POLICY_BYTES } from '../limits.ts';
import { PolicyError } from '../policy/policy-source.ts';
import { assertOwnFile } from '../read-file.ts';
import { type WatchedFiles, watchFiles } from '../watched-files.ts';
import type { SandboxLayer } from './sandbox-spec.ts';

/** Sandboxes by their names. */
export type SandboxProfiles = ReadonlyMap<string, SandboxLayer>;

/** Where a file of profiles is, and who is told of it. */
export interface ProfilesFileOptions {
  /** An absolute path. */
  readonly path: string;
  /**
   * Reads the text of one.
   *
   * @throws PolicyError
   */
  readonly parse: (text: string) => SandboxProfiles;
  readonly clock: Clock;
  /** Other profiles are in force. Not called for the first. */
  readonly onChange: (profiles: SandboxProfiles) => void;
  /**
   * The file cannot be taken as it is now; what was in force stays. Once for each such file.
   * Undefined: it can be again.
   */
  readonly onProblem: (error: PolicyError | undefined) => void;
}

/**
 * Reads profiles from a file that nobody else may change, and again when that changes.
 *
 * @throws PolicyError
 */
export function openProfilesFile(
  options: ProfilesFileOptions,
): Promise<WatchedFiles<SandboxProfiles>> {
  const { clock, onChange, onProblem, parse, path } = options;
  return watchFiles<SandboxProfiles>({
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
