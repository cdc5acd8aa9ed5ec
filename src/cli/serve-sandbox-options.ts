import type { Command } from 'commander';
import { nonEmpty } from './arguments.ts';
import type { Example } from './examples.ts';

/** The flags of `runlet serve` that are about sandboxes. */
export interface SandboxServeFlags {
  /** The file of profiles. */
  readonly sandboxProfiles?: string;
  readonly requireSandbox?: boolean;
}

/** Their names. */
export const SANDBOX_FLAGS: readonly string[] = ['--sandbox-profiles', '--require-sandbox'];

/** An example with all of them. */
export const SANDBOX_EXAMPLE: Example = {
  command:
    'echo \'profiles: {build: {rules: [{place: platform, access: read}, {place: cwd, access: write}]}}\' > "$FOLDER/profiles.yaml" && runlet serve --sandbox-profiles "$FOLDER/profiles.yaml" --require-sandbox',
  does: 'Run everything in sandboxes, of which one has a name',
  code: null,
  prints: /^(?:.*\n)*runlet listening on unix:/,
};

/** Adds them. */
export function addSandboxOptions(command: Command): Command {
  return command
    .option(
      '--sandbox-profiles <file>',
      'sandboxes that callers can name; read again when it changes (default: none)',
      nonEmpty,
    )
    .option('--require-sandbox', 'refuse processes and files without a sandbox');
}
