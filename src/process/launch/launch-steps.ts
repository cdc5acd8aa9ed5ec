import { bytes } from './bytes.ts';
import { environment } from './environment.ts';
import type { LaunchStep } from './launch-step.ts';
import { mergedStderr } from './merged-stderr.ts';
import { policy } from './policy.ts';
import { program } from './program.ts';
import { resourceLimits } from './resource-limits.ts';
import { sandbox } from './sandbox.ts';
import { terminal } from './terminal.ts';
import { asUser, user } from './user.ts';
import { workingDirectory } from './working-directory.ts';

/** What is done, in this order, to make what a launcher is asked for of what a client asks for. */
export const LAUNCH_STEPS: readonly LaunchStep[] = [
  environment,
  user,
  bytes,
  sandbox,
  workingDirectory,
  program,
  policy,
  terminal,
  resourceLimits,
  mergedStderr,
  // The last: what it leads through is nobody's choice.
  asUser,
];
