import { resolve } from 'node:path';
import { idleClock } from '../clock.ts';
import { openRulesFile } from '../policy/rules-file.ts';
import { parseProfiles } from '../sandbox/parse-profiles.ts';
import type { SandboxProfiles } from '../sandbox/sandbox-spec.ts';
import type { ServerLog } from '../server/server-log.ts';
import { SourceError } from '../yaml-source.ts';
import { UsageError } from './usage-error.ts';

/** Profiles of sandboxes that a file says, for as long as a server runs. */
export interface ServedProfiles {
  /** Those in force. */
  readonly current: SandboxProfiles;
  /**
   * Reads the file now.
   *
   * @throws Error that says what is wrong; what was good the last time stays in force
   */
  reload(): Promise<void>;
  /** Looks at the file no more. */
  close(): void;
}

/**
 * Reads the profiles of a server, and reads them again whenever their file changes: with a line in
 * the log each time, whether they are taken or not.
 *
 * @throws UsageError if they cannot be taken as they are
 */
export async function serveProfiles(file: string, logger: ServerLog): Promise<ServedProfiles> {
  const path = resolve(file);
  const told = (profiles: SandboxProfiles): void =>
    logger.info({ file: path, profiles: [...profiles.keys()] }, 'sandbox profiles are in force');
  try {
    const opened = await openRulesFile({
      path,
      parse: parseProfiles,
      clock: idleClock,
      onChange: told,
      onProblem(error) {
        if (error === undefined) {
          return logger.info({ file: path }, 'the file of sandbox profiles is good again');
        }
        const { column, line, message: problem } = error;
        logger.error(
          { file: path, line, column, problem },
          'sandbox profiles cannot be taken as they are now; those before stay in force',
        );
      },
    });
    told(opened.current);
    return opened;
  } catch (error) {
    if (error instanceof SourceError) {
      throw new UsageError(`--sandbox-profiles ${file}: ${error.message}`);
    }
    throw error;
  }
}
