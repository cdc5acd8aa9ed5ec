import type { Environment } from '../../environment/env-policy.ts';
import { invalidField } from '../../errors.ts';
import type { LaunchRequest } from '../launcher.ts';
import type { ProcessSpec } from '../process-spec.ts';
import { unsupported } from '../start-failure.ts';
import type { RunUser } from '../users/run-user.ts';
import type { LaunchStep } from './launch-step.ts';

/** Whom it runs as, where that was said, with the variables that say so. */
export const user: LaunchStep = {
  async apply(request, { guard, spec, users: findUsers }) {
    const { user: asked } = spec;
    if (asked === undefined) return request;
    const users = await findUsers?.();
    const found = await users?.find(asked);
    guard?.approveUser(asked, found);
    if (users === undefined) throw unsupported('SPAWN', 'look up users');
    if (found === undefined) throw invalidField('spec.user', 'there is no such user');
    return { ...request, user: found, env: environmentOf(found, request.env, spec) };
  },
};

/** It becomes that user before it becomes its program. */
export const asUser: LaunchStep = {
  async apply(request, { users: findUsers }) {
    const users = request.user && (await findUsers?.());
    if (request.user === undefined || users === undefined) return request;
    const { sandbox, user } = request;
    if (sandbox !== undefined) {
      // It is the user before anything of the sandbox is made, which finds the program inside.
      const { program } = sandbox.mechanism;
      await users.check({ ...request, program, cwd: '/' }, user);
      const asUser = (outer: LaunchRequest): LaunchRequest => users.through(outer, user);
      return { ...request, sandbox: { ...sandbox, asUser } };
    }
    await users.check(request, user);
    return users.through(request, user);
  },
};

/** What login(1) sets. Those of the server are of another user. */
function environmentOf(
  { home, name, shell }: RunUser,
  env: Environment,
  { env: set, envPolicy }: Pick<ProcessSpec, 'env' | 'envPolicy'>,
): Environment {
  const own = { HOME: home, USER: name, LOGNAME: name, SHELL: shell };
  const unset = Object.entries(own).filter(
    ([variable]) => !set.has(variable) && envPolicy?.set.has(variable) !== true,
  );
  return new Map([...env, ...unset]);
}
