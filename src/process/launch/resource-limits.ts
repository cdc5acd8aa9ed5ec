import { unsupported } from '../start-failure.ts';
import type { LaunchStep } from './launch-step.ts';

/** Limits, where the launcher can set some; which ones it takes, it says itself. */
export const resourceLimits: LaunchStep = {
  apply(request, { launcher }) {
    if (request.limits === undefined || launcher.limits) return request;
    throw unsupported('SPAWN', 'limit processes');
  },
};
