import { buildEnvironment, type Environment } from '../environment/env-policy.ts';
import type { LaunchContext } from './launch/launch-step.ts';
import { namesCwd } from './launch/sandbox.ts';
import type { StartPlace } from './place-check.ts';
import type { ProcessSpec } from './process-spec.ts';
import { searchedFolders } from './program-lookup.ts';

/** The environment of a process, made at most once, and not before it is asked for. */
export function environmentOf(
  own: Environment,
  { cwd, env, envPolicy }: ProcessSpec,
): LaunchContext['environment'] {
  let made: Promise<Environment> | undefined;
  return () => {
    made ??= buildEnvironment(own, envPolicy, env, cwd);
    return made;
  };
}

/** What a start looks at. */
export async function placeOf(
  spec: ProcessSpec,
  environment: LaunchContext['environment'],
): Promise<StartPlace> {
  const program = spec.argv[0] ?? '';
  // It is not the server's then.
  const cwd = spec.sandbox !== undefined && !namesCwd(spec) ? '/' : spec.cwd;
  if (program.includes('/')) return { cwd, program, folders: [] };
  return { cwd, program, folders: [...searchedFolders(await environment())] };
}
