import type { Command } from 'commander';

/** A command of the program, and the words that lead to it. */
export interface NamedCommand {
  readonly words: readonly string[];
  readonly command: Command;
}

/** All commands below one, those that are hidden too. */
export function namedCommands(
  command: Command,
  words: readonly string[] = [],
): readonly NamedCommand[] {
  const inner = command.commands.map((child) => namedCommands(child, [...words, child.name()]));
  return [...(words.length === 0 ? [] : [{ words, command }]), ...inner.flat()];
}
