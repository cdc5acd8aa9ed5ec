import type { LaunchStep } from './launch-step.ts';

/** Where it leads to, when that is known, as far as its caller may go there. */
export const policy: LaunchStep = {
  async apply(request, { guard }) {
    if (guard === undefined) return request;
    const { cwd, program } = request;
    return { ...request, ...(await guard.approve({ cwd, program })) };
  },
};
