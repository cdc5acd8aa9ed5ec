import { isPlain } from '../../system-text.ts';
import type { LaunchRequest } from '../launcher.ts';
import { unsupported } from '../start-failure.ts';
import type { LaunchStep } from './launch-step.ts';

/** What is not UTF-8, where the launcher can hand it on. */
export const bytes: LaunchStep = {
  apply(request, { launcher }) {
    if (launcher.bytes || textsOf(request).every(isPlain)) return request;
    throw unsupported('SPAWN', 'pass on what is not UTF-8');
  },
};

function textsOf({ arg0, args, cwd, env, program }: LaunchRequest): readonly string[] {
  return [program, arg0, ...args, cwd, ...[...env].flat()];
}
