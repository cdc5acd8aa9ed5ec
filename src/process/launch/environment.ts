import { buildEnvironment } from '../../environment/env-policy.ts';
import type { LaunchStep } from './launch-step.ts';

/** What a policy lets through of the server's variables, below those that were asked for. */
export const environment: LaunchStep = {
  apply(request, context) {
    const { cwd, env } = request;
    const { envPolicy } = context.spec;
    return { ...request, env: buildEnvironment(context.environment, envPolicy, env, cwd) };
  },
};
