import { examine, type Finding } from './check.ts';
import { CHECKS } from './checks.ts';
import type { Surroundings } from './surroundings.ts';

/** Looks at all, at one time, in bounded time; what was found is in the order of {@link CHECKS}. Never rejects. */
export function examineAll(surroundings: Surroundings): Promise<readonly Finding[]> {
  return Promise.all(CHECKS.map((check) => examine(check, surroundings, surroundings.clock)));
}
