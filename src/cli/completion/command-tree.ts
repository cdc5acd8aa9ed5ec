import type { Command, Option } from 'commander';
import { allOptions } from '../help-all.ts';

/** An option, for completion. */
export interface OptionNode {
  /** `-t`, `--tty` */
  readonly flags: readonly string[];
  readonly description: string;
  /** What follows it: nothing, one of some words, a path, or what cannot be guessed. */
  readonly value: 'none' | 'path' | 'any' | readonly string[];
}

/** A command, for completion. */
export interface CommandNode {
  readonly name: string;
  /** The names from the program to it, each after a slash; empty for the program itself. */
  readonly path: string;
  readonly description: string;
  readonly options: readonly OptionNode[];
  readonly commands: readonly CommandNode[];
  /** Its arguments, if they are some of these words. */
  readonly words: readonly string[];
  /** Whether a program and its arguments follow after `--`. */
  readonly runsProgram: boolean;
}

/** The commands of a program and their options, as its help shows them. */
export function commandTree(command: Command, parentPath?: string): CommandNode {
  const help = command.createHelp();
  const path = parentPath === undefined ? '' : `${parentPath}/${command.name()}`;
  const parts = command.registeredArguments;
  return {
    name: command.name(),
    path,
    description: command.description(),
    options: allOptions(command).map(optionNode),
    commands: help.visibleCommands(command).map((inner) => commandTree(inner, path)),
    words: parts.flatMap(({ argChoices }) => argChoices ?? []),
    runsProgram: parts.some((argument) => argument.name() === 'program'),
  };
}

/** A command and all those below it. */
export function allCommands(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.commands.flatMap(allCommands)];
}

/** What can stand where a word of a command begins. */
export function wordsOf(
  node: CommandNode,
): readonly { readonly word: string; readonly description: string }[] {
  return [
    ...node.commands.map(({ description, name }) => ({ word: name, description })),
    ...node.words.map((word) => ({ word, description: '' })),
    ...node.options.flatMap(({ description, flags }) =>
      flags.map((word) => ({ word, description })),
    ),
    ...(node.runsProgram ? [{ word: '--', description: 'the program and its arguments' }] : []),
  ];
}

function optionNode(option: Option): OptionNode {
  const { argChoices, description, long, short } = option;
  const flags = [short, long].filter((flag) => flag !== undefined && flag !== null);
  if (!option.required && !option.optional) return { flags, description, value: 'none' };
  const value = argChoices ?? (option.flags.endsWith('<path>') ? 'path' : 'any');
  return { flags, description, value };
}
