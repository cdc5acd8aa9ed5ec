import { unsupported } from '../start-failure.ts';
import type { LaunchStep } from './launch-step.ts';

/** Standard error as a part of standard output, where the launcher can do that. */
export const mergedStderr: LaunchStep = {
  apply(request, { launcher }) {
    if (!request.mergeStderr || launcher.mergesStderr) return request;
    throw unsupported('SPAWN', 'merge standard error');
  },
};
