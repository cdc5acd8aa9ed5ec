import type { Command } from 'commander';

/** One use of a command, which its help or its manual page shows and a test runs. */
export interface Example {
  /**
   * As it is typed into a shell. `$SERVER`, `$SESSION` and `$FOLDER` are an address, the session
   * of the process `build` there, and a folder for files. `$URL` is that of a web server which that
   * server reaches, and `$RUNNING` a process there that runs. `$SECURE` is an address with TLS, for
   * which that folder has `token`, `ca.pem`, `cert.pem` and `key.pem`.
   */
  readonly command: string;
  /** What it does, without a full stop. */
  readonly does: string;
  /** The exit code; null: it goes on until it is ended. Default: 0. */
  readonly code?: number | null;
  /** What all that it prints matches. */
  readonly prints: RegExp;
}

const EXAMPLES = new WeakMap<Command, readonly Example[]>();
const FURTHER = new WeakMap<Command, readonly Example[]>();

/** Ends the help of a command with examples. `further` are those of its manual page alone. */
export function addExamples(
  command: Command,
  examples: readonly Example[],
  further: readonly Example[] = [],
): Command {
  EXAMPLES.set(command, examples);
  FURTHER.set(command, further);
  const lines = examples.map(({ command: line, does }) => `  ${does}:\n    ${line}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** The examples of a command that its help shows. */
export function examplesOf(command: Command): readonly Example[] {
  return EXAMPLES.get(command) ?? [];
}

/** All examples of a command. */
export function allExamplesOf(command: Command): readonly Example[] {
  return [...examplesOf(command), ...(FURTHER.get(command) ?? [])];
}
