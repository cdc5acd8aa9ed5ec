import type { Environment } from '../../environment/env-policy.ts';
import type { Sandboxes } from '../../sandbox/sandboxes.ts';
import type { Asker } from '../../turn-queue.ts';
import type { Launcher, LaunchRequest } from '../launcher.ts';
import type { ProcessSpec } from '../process-spec.ts';
import type { StartGuard } from '../start-guard.ts';
import type { FindUserSwitch } from '../users/user-switch.ts';

/** What the steps of a launch can look at. */
export interface LaunchContext {
  readonly spec: ProcessSpec;
  readonly launcher: Launcher;
  /** That of the process, which is made when it is asked for first. */
  readonly environment: () => Promise<Environment>;
  /** Says what may be started. Default: everything may. */
  readonly guard?: StartGuard | undefined;
  /** How processes become other users'. Default: they cannot. */
  readonly users?: FindUserSwitch | undefined;
  /** What makes sandboxes. Default: nothing can. */
  readonly sandboxes?: Sandboxes | undefined;
  /** Whose launch it is. */
  readonly asker: Asker;
  /** Aborts when the launch took too long or is given up. Default: never. */
  readonly signal?: AbortSignal;
}

/** One concern of a launch. A start that it fails is a `START_FAILED` with its stage. */
export interface LaunchStep {
  /** Makes its part of the request, from what the steps before it made. */
  readonly apply?: (
    request: LaunchRequest,
    context: LaunchContext,
  ) => LaunchRequest | Promise<LaunchRequest>;
  /**
   * Called when the start failed after this step, with the request as it left it: throws if the
   * cause was its concern. Files are looked at here: each look is a thread's work, which
   * would cost a start that does not fail as much as a tenth of it.
   */
  readonly inspect?: (request: LaunchRequest) => Promise<void>;
}
