import type { Command } from 'commander';
import { commandText } from './human-text.ts';

/** How commander says what is wrong, and how this program does. */
const SAID: readonly (readonly [RegExp, (...parts: string[]) => string])[] = [
  [
    /^option '(.*?)' argument '(.*)' is invalid\. (.*)$/s,
    (flags, value, why) => `${longOf(flags)} ${commandText([value])}: ${whyRefused(why)}`,
  ],
  [
    /^command-argument value '(.*)' is invalid for argument '(.*)'\. (.*)$/s,
    (value, name, why) => `<${name}> ${commandText([value])}: ${whyRefused(why)}`,
  ],
  [/^option '(.*)' argument missing$/, (flags) => `${namedOf(flags)}: its value is missing`],
  [/^missing required argument '(.*)'$/, (name) => `<${name}> is missing`],
  [
    /^option '(.*)' cannot be used with option '(.*)'$/,
    (flags, others) => `${longOf(flags)} cannot be used with ${longOf(others)}`,
  ],
  [
    /^too many arguments.*\. Expected (\d+) arguments? but got (\d+)\.$/,
    (expected, got) => `too many arguments: ${got}, where ${expected} can be`,
  ],
  [
    /^unknown (option|command) '(.*)'\n\(Did you mean (.*)\?\)$/s,
    (what, word, others) => `unknown ${what} ${commandText([word])} (did you mean ${others}?)`,
  ],
  [/^unknown (option|command) '(.*)'$/s, (what, word) => `unknown ${what} ${commandText([word])}`],
];

/** In one line what commander says of wrong words, and which help tells what is right. */
export function wrongWords(text: string, command: Command): string {
  const said = text.replace(/^error: /, '').trimEnd();
  for (const [pattern, say] of SAID) {
    const parts = pattern.exec(said);
    if (parts !== null) return pointingToHelp(say(...parts.slice(1)), command);
  }
  return pointingToHelp(said, command);
}

/** Why a value is refused, as its reader says. Commander itself says that of choices alone. */
export function whyRefused(text: string): string {
  const choices = /^Allowed choices are (.*)\.$/.exec(text)?.[1];
  if (choices === undefined) return text;
  return choices.includes(',') ? `it is none of ${choices}` : `it is not ${choices}`;
}

/** A sentence about what was asked of a command, and where to read what can be. */
export function pointingToHelp(text: string, command: Command): string {
  return `${text}; see \`${pathOf(command)} --help\``;
}

/** The words that lead to a command, as they are typed. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** `--limit` of `-l, --limit <name=value>`. */
function longOf(flags: string): string {
  return /--[\w-]+(?!.*--)/.exec(flags)?.[0] ?? flags;
}

/** `--limit <name=value>` of it. */
function namedOf(flags: string): string {
  return flags.slice(flags.indexOf(longOf(flags)));
}
