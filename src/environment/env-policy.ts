import { MAX_MATCHING_PER_TURN } from '../limits.ts';
import { foldName, matchesAny, NamePattern } from './name-pattern.ts';
import { SharedTurns } from './shared-turns.ts';

/** Names and values of environment variables. A map, since any name is allowed. */
export type Environment = ReadonlyMap<string, string>;

/** Which of the server's variables a process inherits. */
export interface EnvPolicy {
  readonly inherit: 'all' | 'core' | 'none';
  /** False: names that match {@link DEFAULT_EXCLUDES} are dropped. */
  readonly ignoreDefaultExcludes: boolean;
  /** Patterns of names to drop. */
  readonly exclude: readonly string[];
  /** Variables to set, before `includeOnly` filters. */
  readonly set: Environment;
  /** Patterns of names to keep; empty: all. */
  readonly includeOnly: readonly string[];
}

/** What `inherit: 'core'` lets through, in upper case. */
export const CORE_NAMES: ReadonlySet<string> = new Set([
  'PATH',
  'SHELL',
  'TMPDIR',
  'TEMP',
  'TMP',
  'HOME',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'LOGNAME',
  'USER',
]);

/** Names that are dropped unless a policy says otherwise: they tend to be secrets. */
const DEFAULT_EXCLUDES = compile(['*KEY*', '*SECRET*', '*TOKEN*']);

const OWN_VARIABLES = new NamePattern('RUNLET_*');

/** All matching of this program goes on in one event loop, and is divided over its turns together. */
export const matchingTurns = new SharedTurns(MAX_MATCHING_PER_TURN);

/** The server's own settings, credentials among them: no policy brings these in. */
export function isOwnVariable(name: string): boolean {
  return OWN_VARIABLES.matches(foldName(name));
}

/**
 * The environment of a process: `env` over what `policy` lets through of `base`,
 * the server's own. Without a policy it is exactly `env`. The server's working directory is
 * not that of the process, which starts in `cwd` and comes from nowhere.
 *
 * Policies come from clients, and matching their patterns may be long: it is done in turns.
 */
export async function buildEnvironment(
  base: Environment,
  policy: EnvPolicy | undefined,
  env: Environment,
  cwd?: string,
  turns: SharedTurns = matchingTurns,
): Promise<Environment> {
  if (policy === undefined) return env;
  const result = new Map<string, string>();
  const drops = [
    OWN_VARIABLES,
    ...(policy.ignoreDefaultExcludes ? [] : DEFAULT_EXCLUDES),
    ...compile(policy.exclude),
  ];
  for (const [name, value] of base) {
    if (name === 'OLDPWD' || !isInherited(policy.inherit, name)) continue;
    if (await matchesAny(drops, foldName(name), turns)) continue;
    result.set(name, name === 'PWD' ? (cwd ?? value) : value);
  }
  for (const [name, value] of policy.set) result.set(name, value);
  if (policy.includeOnly.length > 0) {
    const includes = compile(policy.includeOnly);
    for (const name of result.keys()) {
      if (!(await matchesAny(includes, foldName(name), turns))) result.delete(name);
    }
  }
  for (const [name, value] of env) result.set(name, value);
  return result;
}

function compile(patterns: readonly string[]): readonly NamePattern[] {
  return patterns.map((pattern) => new NamePattern(pattern));
}

function isInherited(inherit: EnvPolicy['inherit'], name: string): boolean {
  switch (inherit) {
    case 'all':
      return true;
    case 'core':
      return CORE_NAMES.has(name.toUpperCase());
    case 'none':
      return false;
  }
}
