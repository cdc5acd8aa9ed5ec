import type { LaunchStep } from './launch-step.ts';

/** What a policy lets through of the server's variables, below those that were asked for. */
export const environment: LaunchStep = {
  async apply(request, context) {
    return { ...request, env: await context.environment() };
  },
};
