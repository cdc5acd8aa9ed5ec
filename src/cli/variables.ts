import { readFile } from 'node:fs/promises';
import { buildEnvironment } from '../environment/env-policy.ts';
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
): Promise<Record<string, string>> {
  const listed = await Promise.all(files.map(linesOf));
  const result: Record<string, string> = {};
  for (const text of [...listed.flat(), ...flags]) {
    const end = text.indexOf('=');
    const name = end === -1 ? text : text.slice(0, end);
    const value = end === -1 ? process.env[name] : text.slice(end + 1);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

/** The lines of a file of variables, as docker reads one: quotes and inner spaces are part of values. */
async function linesOf(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new UsageError(`--env-file: ${error.message}`);
  });
  return text
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** The variables of this command, as a process in `cwd` would inherit them, and others over them. */
export function ownVariables(
  filters: { readonly envExclude?: readonly string[]; readonly envIncludeOnly?: readonly string[] },
  cwd: string | undefined,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const own = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const policy = {
    inherit: 'all',
    ignoreDefaultExcludes: true,
    exclude: filters.envExclude ?? [],
    set: new Map<string, string>(),
    includeOnly: filters.envIncludeOnly ?? [],
  } as const;
  const all = buildEnvironment(new Map(own), policy, new Map(Object.entries(given)), cwd);
  return Object.fromEntries(all);
}
