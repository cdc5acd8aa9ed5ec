import { readFile } from 'node:fs/promises';
import { buildEnvironment, type Environment } from '../environment/env-policy.ts';
import { pathOfText, textOfBytes } from '../system-text.ts';
import { inheritedVariables } from './own-bytes.ts';
import { systemReason } from './system-reason.ts';
import { UsageError } from './usage-error.ts';

/**
 * The variables of `--env-file` and `--env`, the latter over the former: `NAME=VALUE`, or the
 * name of one that is looked up here. One that is not set is not.
 *
 * @throws UsageError for a file that cannot be read
 */
export async function givenVariables(
  files: readonly string[],
  flags: readonly string[],
): Promise<Environment> {
  const listed = await Promise.all(files.map(linesOf));
  const inherited = inheritedVariables();
  const result = new Map<string, string>();
  for (const text of [...listed.flat(), ...flags]) {
    const end = text.indexOf('=');
    const name = end === -1 ? text : text.slice(0, end);
    const value = end === -1 ? inherited.get(name) : text.slice(end + 1);
    if (value !== undefined) result.set(name, value);
  }
  return result;
}

/** The lines of a file of variables, as docker reads one: quotes and inner spaces are part of values. */
async function linesOf(path: string): Promise<readonly string[]> {
  const bytes = await readFile(pathOfText(path)).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--env-file ${path}: ${systemReason(error)}`);
  });
  return textOfBytes(bytes)
    .split(/\r?\n/)
    .flatMap((whole, i) => {
      const line = whole.trimStart();
      if (line === '' || line.startsWith('#')) return [];
      if (line.startsWith('=')) {
        throw new UsageError(`--env-file ${path}, line ${i + 1}: it names no variable`);
      }
      return [line];
    });
}

/** The variables of this command, as a process in `cwd` would inherit them, and others over them. */
export function ownVariables(
  filters: { readonly envExclude?: readonly string[]; readonly envIncludeOnly?: readonly string[] },
  cwd: string | undefined,
  given: Environment,
): Promise<Environment> {
  const policy = {
    inherit: 'all',
    ignoreDefaultExcludes: true,
    exclude: filters.envExclude ?? [],
    set: new Map<string, string>(),
    includeOnly: filters.envIncludeOnly ?? [],
  } as const;
  return buildEnvironment(inheritedVariables(), policy, given, cwd);
}
