import { type Command, CommanderError, type Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { allExamplesOf, examplesOf } from '../../src/cli/examples.ts';
import { allOptions } from '../../src/cli/help-all.ts';
import { createProgram } from '../../src/cli/program.ts';
import { namedCommands } from '../support/commands.ts';

/** The size of a screen, in characters: that of a terminal of today that shares one with others. */
const COLUMNS = 80;
const LINES = 50;

/** All of it; one that has parsed nothing. */
const PROGRAM = await createProgram();

const NAMES = ['', ...namedCommands(PROGRAM).map(({ words }) => words.join(' '))];

const WITH_ALL = NAMES.filter((name) =>
  commandOf(name).options.some(({ long }) => long === '--help-all'),
);

function commandOf(name: string): Command {
  const words = name === '' ? [] : name.split(' ');
  return words.reduce<Command>(
    (command, word) => command.commands.find((inner) => inner.name() === word) ?? command,
    PROGRAM,
  );
}

/** What a command prints of itself. */
async function help(name: string, flag = '--help'): Promise<string> {
  const program = await createProgram();
  let text = '';
  const capture = (command: Command): void => {
    command.configureOutput({
      writeOut: (part) => {
        text += part;
      },
      getOutHasColors: () => false,
    });
    for (const inner of command.commands) capture(inner);
  };
  capture(program);
  const words = name === '' ? [] : name.split(' ');
  const parsing = program.parseAsync([...words, flag], { from: 'user' });
  await expect(parsing).rejects.toBeInstanceOf(CommanderError);
  return text;
}

/** Those that an example has, of the options of its command. */
function isIn(line: string, { long, short }: Option): boolean {
  const words = line.split(' ').map((word) => word.replace(/=.*/, ''));
  const isShort = (word: string): boolean =>
    /^-[a-zA-Z]+$/.test(word) && short !== undefined && word.includes(short.slice(1));
  // Signals are written as they are to kill(1).
  const isSignal = (word: string): boolean => long === '--signal' && /^-(?:\d+|[A-Z]+)$/.test(word);
  return words.some((word) => word === long || word === short || isShort(word) || isSignal(word));
}

describe.each(NAMES)('the help of runlet %s', (name) => {
  it('fits on a screen', async () => {
    const lines = (await help(name)).trimEnd().split('\n');
    expect(lines.filter((line) => line.length > COLUMNS)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(LINES);
  });

  it('ends with its examples', async () => {
    const examples = examplesOf(commandOf(name));
    const [, shown = ''] = (await help(name)).split('\nExamples:\n');
    const expected = examples.map(({ command, does }) => `  ${does}:\n    ${command}\n`);
    expect(shown).toBe(expected.join(''));
    expect(examples.length > 0).toBe(name !== '');
  });

  it('says what holds where a flag that takes a value is not given', async () => {
    const silent = allOptions(commandOf(name)).filter((option) => {
      if (!option.required && !option.optional) return false;
      const said = option.defaultValue !== undefined || option.description.includes('(default: ');
      return !said && !/may be given again/i.test(option.description);
    });
    expect(silent.map(({ flags }) => flags)).toEqual([]);
  });
});

describe.each(WITH_ALL)('all of the help of runlet %s', (name) => {
  it('has every flag, and is no wider', async () => {
    const text = await help(name, '--help-all');
    for (const { long } of commandOf(name).options.filter(({ hidden }) => !hidden)) {
      if (long !== '--help-all') expect(text).toMatch(new RegExp(`^ .*${long}\\b`, 'm'));
    }
    expect(text.split('\n').filter((line) => line.length > COLUMNS)).toEqual([]);
  });
});

describe('the examples', () => {
  it('have every flag of every command', () => {
    const missing = namedCommands(PROGRAM).flatMap(({ command, words }) => {
      const examples = allExamplesOf(command);
      return command.options
        .filter(({ hidden, long }) => !hidden && long !== '--help-all')
        .filter((option) => !examples.some((example) => isIn(example.command, option)))
        .map(({ flags }) => `${words.join(' ')} ${flags}`);
    });
    expect(missing).toEqual([]);
  });
});
