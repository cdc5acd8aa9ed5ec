import { unsupported } from '../start-failure.ts';
import type { LaunchStep } from './launch-step.ts';

/** A terminal, where the launcher can give one. */
export const terminal: LaunchStep = {
  apply(request, { launcher }) {
    if (request.terminal === undefined || launcher.terminals) return request;
    throw unsupported('TERMINAL', 'give terminals');
  },
};
