import { resolve } from 'node:path';
import { idleClock } from '../clock.ts';
import { LivePolicy } from '../policy/live-policy.ts';
import { parsePolicy } from '../policy/parse-policy.ts';
import type { Policy } from '../policy/policy.ts';
import { openRulesFile } from '../policy/rules-file.ts';
import type { ServerLog } from '../server/server-log.ts';
import { SourceError } from '../yaml-source.ts';
import { UsageError } from './usage-error.ts';

/** A policy that a file says, for as long as a server runs. */
export interface ServedPolicy {
  readonly live: LivePolicy;
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
 * Reads the policy of a server, and reads it again whenever its file changes: with a line in the
 * log each time, whether it is taken or not.
 *
 * @throws UsageError if it cannot be taken as it is
 */
export async function servePolicy(file: string, logger: ServerLog): Promise<ServedPolicy> {
  const path = resolve(file);
  const told = (policy: Policy): void =>
    logger.info({ policy: path, principals: policy.entries.length }, 'the policy is in force');
  try {
    const opened = await openRulesFile({
      path,
      parse: parsePolicy,
      clock: idleClock,
      onChange: (policy) => {
        live.replace(policy);
        told(policy);
      },
      onProblem(error) {
        if (error === undefined) return logger.info({ policy: path }, 'the policy is good again');
        const { column, line, message: problem } = error;
        logger.error(
          { policy: path, line, column, problem },
          'the policy cannot be taken as it is now; the one before stays in force',
        );
      },
    });
    const live = new LivePolicy(opened.current);
    told(opened.current);
    return { live, reload: () => opened.reload(), close: () => opened.close() };
  } catch (error) {
    if (error instanceof SourceError) throw new UsageError(`--policy ${file}: ${error.message}`);
    throw error;
  }
}
