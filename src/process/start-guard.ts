import type { TraceContext } from '../telemetry/tracing/trace-context.ts';
import type { Process } from './process.ts';
import type { ProcessSpec } from './process-spec.ts';
import type { RunUser } from './users/run-user.ts';

/** Where a start leads to, when everything is looked up. */
export interface StartGoal {
  /** The path of the program, as it was found. */
  readonly program: string;
  /** An absolute path. */
  readonly cwd: string;
}

/**
 * Says what one caller may start, and is told of what it did. It is asked in the one place through
 * which every process comes to be.
 */
export interface StartGuard {
  /**
   * Looks at what is asked for, before anything is done for it. Returns what may be run: the
   * same, or less where the spec leaves it to the server.
   *
   * @throws RunletError `POLICY_DENIED`
   */
  admit(spec: ProcessSpec): Promise<ProcessSpec>;
  /**
   * Looks at a user that was asked for, as `asked`; undefined: there is none. Whoever is not there
   * and whoever may not be asked for look the same.
   *
   * @throws RunletError `POLICY_DENIED`
   */
  approveUser(asked: string, user: RunUser | undefined): void;
  /**
   * Looks at where a start leads to, before it is tried. Returns what is to be executed and entered
   * in fact, so that it is what was looked at.
   *
   * @throws RunletError `POLICY_DENIED`, and `START_FAILED` where the system cannot look
   */
  approve(goal: StartGoal): Promise<StartGoal>;
  /** Where in which trace what was admitted is; undefined: in none. Default: nobody traces. */
  trace?(): TraceContext | undefined;
  /** The process runs. Called once, if it comes to that. */
  started(processId: string, process: Process): void;
}
