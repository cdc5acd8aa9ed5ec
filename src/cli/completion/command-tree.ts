import { constants } from 'node:os';
import type { Command, Option } from 'commander';
import { allOptions } from '../help-all.ts';
import { ABOUT_RUNNING, ASKED_FOR_ARGUMENTS, ASKED_FOR_OPTIONS, type Asked } from './asked.ts';

/** An option, for completion. */
export interface OptionNode {
  /** `-t`, `--tty` */
  readonly flags: readonly string[];
  readonly description: string;
  /** What follows it: nothing, one of some words, a path, what a server has, or anything. */
  readonly value: 'none' | 'path' | 'any' | Asked | readonly string[];
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
  /** What a server has that its arguments are; undefined: nothing. */
  readonly asked: Asked | undefined;
  /** How many words come before the program that it runs; undefined: it runs none. */
  readonly wordsBeforeProgram: number | undefined;
}

/** The commands of a program and their options, as its help shows them. */
export function commandTree(command: Command, parentPath?: string): CommandNode {
  const help = command.createHelp();
  const path = parentPath === undefined ? '' : `${parentPath}/${command.name()}`;
  const parts = command.registeredArguments;
  const before = parts.findIndex((argument) => argument.name() === 'program');
  return {
    name: command.name(),
    path,
    description: command.description(),
    options: allOptions(command).map(optionNode),
    commands: help.visibleCommands(command).map((inner) => commandTree(inner, path)),
    words: parts.flatMap(({ argChoices }) => argChoices ?? []),
    asked: askedFor(command),
    wordsBeforeProgram: before === -1 ? undefined : before,
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
    ...(node.wordsBeforeProgram !== undefined
      ? [{ word: '--', description: 'the program and its arguments' }]
      : []),
  ];
}

function optionNode(option: Option): OptionNode {
  const { argChoices, description, long, short } = option;
  const flags = [short, long].filter((flag) => flag !== undefined && flag !== null);
  if (!option.required && !option.optional) return { flags, description, value: 'none' };
  const value =
    argChoices ??
    (long === '--signal' ? SIGNALS : undefined) ??
    ASKED_FOR_OPTIONS[long ?? ''] ??
    (option.flags.endsWith('<path>') ? 'path' : 'any');
  return { flags, description, value };
}

/** As kill(1) lists them. */
const SIGNALS = Object.keys(constants.signals).map((name) => name.slice('SIG'.length));

function askedFor(command: Command): Asked | undefined {
  const asked = ASKED_FOR_ARGUMENTS[command.registeredArguments[0]?.name() ?? ''];
  return asked === 'processes' && ABOUT_RUNNING.has(command.name()) ? 'running' : asked;
}
