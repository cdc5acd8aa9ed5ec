import type { Command } from 'commander';

/** One use of a command, which its help shows and a test runs. */
export interface Example {
  /** As it is typed into a shell. */
  readonly command: string;
  /** What it does, without a full stop. */
  readonly does: string;
  /** The exit code; null: it goes on until it is ended. Default: 0. */
  readonly code?: number | null;
  /** What all that it prints matches. */
  readonly prints: RegExp;
}

const EXAMPLES = new WeakMap<Command, readonly Example[]>();

/** Ends the help of a command with examples. */
export function addExamples(command: Command, examples: readonly Example[]): Command {
  EXAMPLES.set(command, examples);
  const lines = examples.map(({ command: line, does }) => `  ${does}:\n    ${line}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** The examples of a command. */
export function examplesOf(command: Command): readonly Example[] {
  return EXAMPLES.get(command) ?? [];
}
