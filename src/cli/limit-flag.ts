import { InvalidArgumentError } from 'commander';
import type { ResourceLimits } from '../client/index.ts';
import { assignment, bytes, seconds, wholeNumber } from './arguments.ts';

/** How the limits are called that `--limit` sets, and how their values are read. */
const LIMITS = {
  'open-files': ['openFiles', wholeNumber],
  processes: ['processes', wholeNumber],
  'address-space': ['addressSpaceBytes', bytes],
  'file-size': ['fileBytes', bytes],
  'core-size': ['coreBytes', bytes],
  'cpu-time': ['cpuSeconds', seconds],
} as const satisfies Readonly<
  Record<string, readonly [keyof ResourceLimits, (text: string) => number]>
>;

/** What `--limit` knows. */
export const LIMIT_NAMES: readonly string[] = Object.keys(LIMITS);

/** Adds a `NAME=VALUE` of `--limit` to those that were given before. */
export function collectLimit(text: string, earlier: ResourceLimits = {}): ResourceLimits {
  const [name, value] = assignment(text);
  const limit = Object.hasOwn(LIMITS, name) ? LIMITS[name as keyof typeof LIMITS] : undefined;
  if (limit === undefined) {
    throw new InvalidArgumentError(`there is no limit ${name}, but ${LIMIT_NAMES.join(', ')}`);
  }
  const [field, read] = limit;
  return { ...earlier, [field]: read(value) };
}
