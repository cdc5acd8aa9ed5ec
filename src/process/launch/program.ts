import { checkProgram, findProgram } from '../program-lookup.ts';
import type { LaunchStep } from './launch-step.ts';

/** The path of the program, a name without a slash looked up in the process's own PATH. */
export const program: LaunchStep = {
  async apply(request) {
    const { cwd, env } = request;
    return { ...request, program: await findProgram(request.program, cwd, env) };
  },
  inspect: (request) => checkProgram(request.program),
};
