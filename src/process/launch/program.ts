import { checkProgram, findProgram, findVisibleProgram } from '../program-lookup.ts';
import type { LaunchStep } from './launch-step.ts';

/** The path of the program, a name without a slash looked up in the process's own PATH. */
export const program: LaunchStep = {
  async apply(request) {
    const { cwd, env, sandbox } = request;
    if (sandbox !== undefined) {
      const found = await findVisibleProgram(request.program, cwd, env, sandbox.prepared);
      return { ...request, program: found };
    }
    return { ...request, program: await findProgram(request.program, cwd, env) };
  },
  inspect: (request) => checkProgram(request.program),
};
