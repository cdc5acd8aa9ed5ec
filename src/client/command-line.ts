import { OptionError } from './client-error.ts';
import type { SystemText } from './process-spec.ts';

/** What a template of a command may hold: a word, a part of one, or several words. */
export type CommandArgument = string | number | readonly (string | number)[];

/** What a shell would do something with, outside of quotes. */
const SHELL_CHARACTERS = /[|&;<>()$`*?[~#]/;

/**
 * The words of a template. White space in its text separates them and quotes hold them
 * together; what is inserted is never split or read: it is a word, or a part of the word that it
 * stands in, and a list is as many words as it has.
 *
 * @throws OptionError the text has something that only a shell could do, or an open quote
 */
export function templateWords(
  { raw }: Pick<TemplateStringsArray, 'raw'>,
  inserted: readonly CommandArgument[],
): readonly string[] {
  const words: string[] = [];
  /** The word that is being read; undefined: none has begun. */
  let word: string | undefined;
  let quote: string | undefined;
  const end = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  for (const [i, text] of raw.entries()) {
    for (let at = 0; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (quote !== undefined) {
        const escaped = quote === '"' && character === '\\' && /["\\]/.test(text.charAt(at + 1));
        if (escaped) at += 1;
        if (character === quote) quote = undefined;
        else word = `${word ?? ''}${text.charAt(at)}`;
      } else if (character === "'" || character === '"') {
        quote = character;
        word ??= '';
      } else if (character === '\\') {
        // What follows is itself, but for the end of a line, which goes on in the next.
        at += 1;
        if (text.charAt(at) !== '\n') word = `${word ?? ''}${text.charAt(at)}`;
      } else if (/\s/.test(character)) {
        end();
      } else {
        assertPlain(character);
        word = `${word ?? ''}${character}`;
      }
    }
    if (i >= inserted.length) break;
    const values = [insertedValues(inserted[i])].flat();
    for (const [j, value] of values.entries()) {
      if (j > 0) end();
      word = `${word ?? ''}${value}`;
    }
  }
  if (quote !== undefined) throw new OptionError('command', `the command has an open ${quote}`);
  end();
  if (words.length === 0) throw new OptionError('command', 'the command is empty');
  return words;
}

function assertPlain(character: string): void {
  if (!SHELL_CHARACTERS.test(character)) return;
  throw new OptionError(
    'command',
    `only a shell does something with ${character}: put it in quotes, or ask for a shell with $({ shell: true })`,
  );
}

/**
 * The text of a template for a shell, in which what is inserted is a quoted word, or several.
 *
 * @throws OptionError something is inserted within quotes, which would end there
 */
export function templateScript(
  { raw }: Pick<TemplateStringsArray, 'raw'>,
  inserted: readonly CommandArgument[],
): string {
  let script = '';
  for (const [i, text] of raw.entries()) {
    script += text;
    if (i >= inserted.length) break;
    if (endsInQuotes(script)) {
      throw new OptionError('command', 'what is inserted is quoted already: leave the quotes out');
    }
    script += [insertedValues(inserted[i])].flat().map(quoted).join(' ');
  }
  if (script.trim() === '') throw new OptionError('command', 'the command is empty');
  return script;
}

function endsInQuotes(script: string): boolean {
  let quote: string | undefined;
  for (let at = 0; at < script.length; at += 1) {
    const character = script.charAt(at);
    // A backslash means nothing within single quotes.
    if (character === '\\' && quote !== "'") at += 1;
    else if (quote === undefined && (character === "'" || character === '"')) quote = character;
    else if (character === quote) quote = undefined;
  }
  return quote !== undefined;
}

/** What is inserted, as text; that of a type which has none is a mistake, as `[object Object]` is. */
function insertedValues(value: CommandArgument | undefined): string | readonly string[] {
  if (Array.isArray(value)) return value.map(insertedText);
  return insertedText(value);
}

function insertedText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw new OptionError(
    'command',
    `only strings, numbers and lists of them can be inserted into a command, not ${typeof value}`,
  );
}

/** A word as a shell has to be given it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command as one would type it, for people. */
export function commandText(argv: readonly string[]): string {
  return argv.map(quoted).join(' ');
}

/** The shell that is used where none is named. */
const DEFAULT_SHELL = '/bin/sh';

/**
 * What is run for a command: a list of words as it is, and a string by a shell.
 *
 * @throws OptionError a string without a shell, or words with one
 */
export function commandArgv(
  command: readonly SystemText[] | string,
  shell: boolean | string | undefined,
): readonly SystemText[] {
  const asked = shell !== undefined && shell !== false;
  if (typeof command === 'string') {
    if (asked) return [shell === true ? DEFAULT_SHELL : shell, '-c', command];
    const words = command
      .trim()
      .split(/\s+/)
      .map((word) => `'${word}'`);
    throw new OptionError(
      'argv',
      `argv is a string: give the program and its arguments as a list, [${words.join(', ')}], or ask for a shell with { shell: true }`,
    );
  }
  if (!Array.isArray(command)) throw new OptionError('argv', 'argv must be a list of strings');
  if (command.length === 0) throw new OptionError('argv', 'argv is empty: it names no program');
  if (asked) throw new OptionError('shell', 'with shell the command is one string, and no list');
  return command;
}
