import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { sayDefaultsWithUnits } from '../../src/cli/help-values.ts';
import { serveCommand } from '../../src/cli/serve.ts';
import { type FoundConfig, findServeConfig, recordFlags } from '../../src/cli/serve-config.ts';
import { temporaryFolder } from './harness.ts';

/** What `runlet serve` is told, and where. */
export interface Told {
  /** Its words. */
  readonly words?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** What is in the file of `--config`. Default: there is none. */
  readonly file?: string | Buffer;
}

/** `runlet serve`, which does nothing when its words are parsed. */
export function idleServe(): Command {
  const command = serveCommand().action(() => {});
  sayDefaultsWithUnits(command);
  // What is wrong with words is thrown, and not said.
  return command.exitOverride().configureOutput({ outputError: () => {} });
}

/** The configuration that comes of it. */
export async function configOf({ file, variables = {}, words = [] }: Told): Promise<FoundConfig> {
  const command = idleServe();
  const given = recordFlags(command);
  const path = join(await temporaryFolder(), 'serve.yaml');
  if (file !== undefined) await writeFile(path, file);
  const named = file === undefined ? [] : ['--config', path];
  await command.parseAsync([...named, ...words], { from: 'user' });
  return findServeConfig({ command, given, env: new Map(Object.entries(variables)) });
}
