import type { Environment } from '../../environment/env-policy.ts';
import type { PreparedSandbox } from '../../sandbox/prepared-sandbox.ts';
import { sandboxUnavailable } from '../../sandbox/sandbox-failure.ts';
import type { SandboxSpec } from '../../sandbox/sandbox-spec.ts';
import type { ProcessSpec } from '../process-spec.ts';
import { checkWorkingDirectory } from '../program-lookup.ts';
import type { LaunchStep } from './launch-step.ts';

/** The folder for temporary files inside. */
const TEMP = '/tmp';

/** What it runs in, where that was said: its folder and its program are paths inside from here on. */
export const sandbox: LaunchStep = {
  async apply(request, { asker, launcher, sandboxes, spec }) {
    const asked = spec.sandbox;
    if (asked === undefined) return request;
    if (sandboxes === undefined || launcher.sandboxes !== true) {
      throw sandboxUnavailable('mechanism', '', 'this server has no sandboxes');
    }
    const open = asked.layers.every(({ network }) => network === 'host');
    const network = open ? 'host' : 'none';
    const mechanism = await sandboxes.mechanism(network);
    const filter = sandboxes.filter(network);
    const cwd = namesCwd(spec) ? request.cwd : undefined;
    // One that is not there is no fault of the rule that names it.
    if (cwd !== undefined && hasCwdRule(asked)) await checkWorkingDirectory(cwd);
    const prepared = await sandboxes.prepare(asked, {
      cwd,
      asker,
      ...(request.user && { user: request.user }),
    });
    const inside = cwd ?? (prepared.hasTemp ? TEMP : '/');
    return {
      ...request,
      cwd: inside,
      env: environmentInside(request.env, spec, prepared, inside),
      sandbox: { mechanism, filter, prepared },
    };
  },
};

/** Whether it says where it starts. */
export function namesCwd({ leftToServer }: Pick<ProcessSpec, 'leftToServer'>): boolean {
  return leftToServer?.has('cwd') !== true;
}

function hasCwdRule({ layers }: SandboxSpec): boolean {
  return layers.some(({ rules }) => rules.some(({ at }) => 'place' in at && at.place === 'cwd'));
}

/** What the server's own variables say of folders is of the server, unless it was asked for. */
function environmentInside(
  env: Environment,
  { env: set, envPolicy }: Pick<ProcessSpec, 'env' | 'envPolicy'>,
  { hasTemp }: PreparedSandbox,
  cwd: string,
): Environment {
  const isAskedFor = (name: string): boolean => set.has(name) || envPolicy?.set.has(name) === true;
  const inside = new Map(env);
  if (hasTemp && !isAskedFor('TMPDIR')) inside.set('TMPDIR', TEMP);
  if (inside.has('PWD') && !isAskedFor('PWD')) inside.set('PWD', cwd);
  return inside;
}
