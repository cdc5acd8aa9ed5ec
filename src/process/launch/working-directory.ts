import { checkWorkingDirectory } from '../program-lookup.ts';
import type { LaunchStep } from './launch-step.ts';

/** The folder is as it was asked for; whether a process can start there, its start shows. */
export const workingDirectory: LaunchStep = {
  inspect: ({ cwd }) => checkWorkingDirectory(cwd),
};
