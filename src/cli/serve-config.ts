import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Environment } from '../environment/env-policy.ts';
import { type ConfigKey, configKeys, parsedValue, valuesIn } from './serve-config-keys.ts';
import { type ConfigProblem, errorOf } from './serve-config-problem.ts';
import { CONFIG_VARIABLE, readConfigVariables } from './serve-config-variables.ts';
import type { ServeFlags } from './serve-flags.ts';

/** Where a value comes from: what is later in this list counts before what is earlier. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'flag' };

/** What is in force for a key. */
export interface Setting {
  readonly key: ConfigKey;
  /** As they were written; none: it is the default. */
  readonly texts: readonly string[];
  readonly origin: Origin;
}

/** All that a server is told. */
export interface ServeConfig {
  /** What is in force, from wherever it comes. */
  readonly flags: ServeFlags;
  /** Where it comes from: one for each key, in the order of the flags. */
  readonly settings: readonly Setting[];
  /** The file of the configuration, by its absolute path; undefined: there is none. */
  readonly file: string | undefined;
}

/** A configuration, with all that is wrong in its file and its variables: none of that is in it. */
export interface FoundConfig {
  readonly config: ServeConfig;
  readonly problems: readonly ConfigProblem[];
}

/** Where it is to be found. */
export interface ConfigSources {
  /** The command, which has parsed its words. */
  readonly command: Command;
  /** What these words have for each flag: see {@link recordFlags}. */
  readonly given: GivenFlags;
  readonly env: Environment;
}

/** What a command line has for each of its flags, as it is written there; by their names. */
export type GivenFlags = ReadonlyMap<string, readonly string[]>;

/** Has a command keep what its words have for each flag: from what they mean it cannot be told. */
export function recordFlags(command: Command): GivenFlags {
  const given = new Map<string, readonly string[]>();
  for (const key of configKeys(command)) {
    command.on(`option:${key.name}`, (text: string | null) => {
      // Of a flag that takes one value the last counts.
      const earlier = key.list?.between === undefined ? [] : (given.get(key.name) ?? []);
      given.set(key.name, [...earlier, ...valuesIn(key, text ?? 'true')]);
    });
  }
  return given;
}

/**
 * The configuration of a server: flags count before variables, these before the file, and that
 * before defaults. What is said for a key in one place takes the place of all that another says.
 *
 * @throws UsageError for the first of what is wrong in a variable or in the file
 */
export async function readServeConfig(sources: ConfigSources): Promise<ServeConfig> {
  const { config, problems } = await findServeConfig(sources);
  const [first, ...more] = problems;
  if (first !== undefined) throw errorOf([first, ...more]);
  return config;
}

/** The same, with all that is wrong. */
export async function findServeConfig({
  command,
  env,
  given,
}: ConfigSources): Promise<FoundConfig> {
  const keys = configKeys(command);
  const variables = readConfigVariables(env, keys);
  const named = command.opts<ServeFlags>().config ?? (env.get(CONFIG_VARIABLE) || undefined);
  const file = named === undefined ? undefined : await readFile(named, keys);
  const found = new Map<string, Setting>();
  const add = (key: ConfigKey, texts: readonly string[], origin: Origin): void =>
    void found.set(key.name, { key, texts, origin });
  for (const key of keys) add(key, [], { kind: 'default' });
  for (const { column, key, line, texts } of file?.settings ?? []) {
    add(key, texts, { kind: 'file', file: named ?? '', line, column });
  }
  for (const { key, texts } of variables.settings) {
    add(key, texts, { kind: 'variable', name: key.variable });
  }
  for (const key of keys) {
    const texts = given.get(key.name);
    if (texts !== undefined) add(key, texts, { kind: 'flag' });
  }
  const settings = [...found.values()];
  const values = settings
    .filter(({ origin }) => origin.kind === 'file' || origin.kind === 'variable')
    .map(({ key, texts }) => [key.attribute, parsedValue(key, texts)] as const);
  return {
    config: {
      flags: { ...command.opts<ServeFlags>(), ...Object.fromEntries(values) },
      settings,
      file: named === undefined ? undefined : resolve(named),
    },
    problems: [...variables.problems, ...(file?.problems ?? [])],
  };
}

/** Few servers have one. */
async function readFile(file: string, keys: readonly ConfigKey[]) {
  const { readConfigFile } = await import('./serve-config-file.ts');
  return readConfigFile(file, keys);
}
