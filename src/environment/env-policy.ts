import { compileNamePattern } from './name-pattern.ts';

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
const DEFAULT_EXCLUDES = ['*KEY*', '*SECRET*', '*TOKEN*'].map(compileNamePattern);

/** The server's own settings, credentials among them: no policy brings these in. */
export const isOwnVariable = compileNamePattern('RUNLET_*');

/**
 * The environment of a process: `env` over what `policy` lets through of `base`,
 * the server's own. Without a policy it is exactly `env`. The server's working directory is
 * not that of the process, which starts in `cwd` and comes from nowhere.
 */
export function buildEnvironment(
  base: Environment,
  policy: EnvPolicy | undefined,
  env: Environment,
  cwd?: string,
): Environment {
  if (policy === undefined) return env;
  const result = new Map<string, string>();
  const excludes = policy.exclude.map(compileNamePattern);
  for (const [name, value] of base) {
    if (isOwnVariable(name) || !isInherited(policy.inherit, name)) continue;
    if (!policy.ignoreDefaultExcludes && matchesAny(DEFAULT_EXCLUDES, name)) continue;
    if (matchesAny(excludes, name)) continue;
    if (name === 'OLDPWD') continue;
    result.set(name, name === 'PWD' ? (cwd ?? value) : value);
  }
  for (const [name, value] of policy.set) result.set(name, value);
  if (policy.includeOnly.length > 0) {
    const includes = policy.includeOnly.map(compileNamePattern);
    for (const name of result.keys()) {
      if (!matchesAny(includes, name)) result.delete(name);
    }
  }
  for (const [name, value] of env) result.set(name, value);
  return result;
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

function matchesAny(patterns: readonly ((name: string) => boolean)[], name: string): boolean {
  return patterns.some((matches) => matches(name));
}
