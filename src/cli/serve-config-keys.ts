import type { Command, Option } from 'commander';
import { type ListReader, listReader } from './arguments.ts';

/** What the names of variables begin with that stand for flags of `runlet serve`. */
export const VARIABLE_PREFIX = 'RUNLET_SERVE_';

/** Something that a server can be told by a flag, by a variable, and in a file. */
export interface ConfigKey {
  /** As a file has it: the name of the flag, without dashes in front. */
  readonly name: string;
  /** The name of the variable. */
  readonly variable: string;
  /** What its value is called among the flags. */
  readonly attribute: string;
  /** Whether its flag takes no value: it is true or false. */
  readonly isSwitch: boolean;
  /** How its values are read where it can have several; undefined: it has one. */
  readonly list: ListReader | undefined;
  readonly option: Option;
}

const COMMAND = 'it says what the command does, and not how a server is';
const HELP = 'it asks for the help of the command';

/** What only the command line can say, and why. */
export const COMMAND_LINE_ALONE: ReadonlyMap<string, string> = new Map([
  ['config', 'a file cannot name another one'],
  ['check', COMMAND],
  ['daemon', COMMAND],
  ['status', COMMAND],
  ['json', COMMAND],
  ['help', HELP],
  ['help-all', HELP],
]);

/** All that there is, in the order of the flags: whatever flag the command has is one. */
export function configKeys(command: Command): readonly ConfigKey[] {
  return command.options
    .filter((option) => !COMMAND_LINE_ALONE.has(option.name()))
    .map((option) => ({
      name: option.name(),
      variable: variableOf(option.name()),
      attribute: option.attributeName(),
      isSwitch: !option.required && !option.optional,
      list: listReader(option.parseArg),
      option,
    }));
}

/** The variable that stands for a flag, by the name of that without dashes in front. */
export function variableOf(name: string): string {
  return `${VARIABLE_PREFIX}${name.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * What texts mean that are given for a key: the same as on the command line, since the same reads
 * them. Of a switch it is `true` or `false`.
 *
 * @throws InvalidArgumentError if they mean nothing
 */
export function parsedValue(
  { isSwitch, list, option }: ConfigKey,
  texts: readonly string[],
): unknown {
  if (isSwitch) return (texts[0] === 'true') !== option.negate;
  const each = list === undefined || list.between !== undefined ? texts : [texts.join(',')];
  return each.reduce<unknown>(
    (earlier, text) => option.parseArg?.(text, earlier) ?? text,
    undefined,
  );
}

/** The values that one text of a flag or a file has: several where commas are between them. */
export function valuesIn({ list }: ConfigKey, text: string): readonly string[] {
  return list !== undefined && list.between === undefined ? text.split(',') : [text];
}

/**
 * Looks at one of several values.
 *
 * @throws Error if it means nothing
 */
export function assertValue({ list, option }: ConfigKey, text: string): void {
  if (list === undefined) option.parseArg?.<unknown>(text, undefined);
  else list.parse(text);
}
