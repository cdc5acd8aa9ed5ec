import { ASKED, type Asked, SERVER_OPTIONS, SERVER_SWITCHES } from './asked.ts';
import { allCommands, type CommandNode, type OptionNode } from './command-tree.ts';
import { shellWord } from './quote.ts';

/** Patterns of a `case`, and what is to be done there. */
interface Branch {
  readonly patterns: readonly string[];
  readonly action: string;
}

/*
 * What bash and zsh share. A completion goes over the words that were typed and keeps in `at` the path
 * of the command that they lead to, so that `sessions close` is completed as a command of its own.
 */

/** The branches of `case "$at/$word"` that go on to an inner command. */
export function descents(root: CommandNode): readonly string[] {
  return allCommands(root)
    .filter(({ path }) => path !== '')
    .map(({ path }) => branch({ patterns: [path], action: `at=${shellWord(path)}; continue` }));
}

/** The patterns of `case "$at $word"` for options whose next word is their value. */
export function takesValue(root: CommandNode): string {
  return optionPatterns(root, ({ value }) => value !== 'none').join(' | ');
}

/** The branches of `case "$at $previous"`, which complete the value of an option. */
export function values(
  root: CommandNode,
  complete: {
    readonly path: string;
    readonly asked: (what: Asked) => string;
    readonly words: (words: readonly string[]) => string;
  },
): readonly string[] {
  const branches: Branch[] = [
    { patterns: optionPatterns(root, ({ value }) => value === 'path'), action: complete.path },
    { patterns: optionPatterns(root, ({ value }) => value === 'any'), action: 'return' },
    ...ASKED.map((what) => ({
      patterns: optionPatterns(root, ({ value }) => value === what),
      action: complete.asked(what),
    })),
  ];
  for (const { options, path } of allCommands(root)) {
    for (const { flags, value } of options) {
      if (typeof value === 'string') continue;
      const patterns = flags.map((flag) => shellWord(`${path} ${flag}`));
      branches.push({ patterns, action: complete.words(value) });
    }
  }
  return branches.filter(({ patterns }) => patterns.length > 0).map(branch);
}

/**
 * The patterns of `case "$at $count"` for commands that run a program, `count` being how many
 * words there were that are neither options nor their values: the next one is the program.
 */
export function programPatterns(root: CommandNode): string {
  return allCommands(root)
    .filter(({ wordsBeforeProgram }) => wordsBeforeProgram !== undefined)
    .map(({ path, wordsBeforeProgram }) => shellWord(`${path} ${wordsBeforeProgram}`))
    .join(' | ');
}

/** The branches of `case "$at"`, which complete a word of a command. */
export function perCommand(
  root: CommandNode,
  complete: (node: CommandNode) => string,
): readonly string[] {
  return allCommands(root).map((node) =>
    branch({ patterns: [shellWord(node.path)], action: complete(node) }),
  );
}

/** The branches of `case "$at"`, which ask a server for arguments of a command. */
export function asking(root: CommandNode, ask: (what: Asked) => string): readonly string[] {
  return allCommands(root).flatMap(({ asked, path }) =>
    asked === undefined ? [] : [branch({ patterns: [shellWord(path)], action: ask(asked) })],
  );
}

function optionPatterns(
  root: CommandNode,
  wanted: (option: OptionNode) => boolean,
): readonly string[] {
  return allCommands(root).flatMap(({ options, path }) =>
    options
      .filter(wanted)
      .flatMap(({ flags }) => flags.map((flag) => shellWord(`${path} ${flag}`))),
  );
}

function branch({ action, patterns }: Branch): string {
  return `    ${patterns.join(' | ')}) ${action} ;;`;
}

/** A pattern of `case` for words that are all of an option which says how a server is asked. */
export function serverPattern(): string {
  return [...SERVER_OPTIONS.map((flag) => `${flag}=*`), ...SERVER_SWITCHES].join(' | ');
}
