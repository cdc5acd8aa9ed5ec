import { Help } from 'commander';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { createProgram } from '../../src/cli/program.ts';

describe('the help of the program', () => {
  it('is the same with every command there as with their names alone', async () => {
    const [names, all] = await Promise.all([createProgram([]), createProgram()]);
    expect(names.helpInformation()).toBe(all.helpInformation());
  });

  it.each(COMMANDS)('says of $name how it is called', async ({ load, name, usage }) => {
    const command = await load();
    expect(new Help().subcommandTerm(command)).toBe(`${name} ${usage}`.trim());
  });
});

describe('a program for some words', () => {
  it.each([
    [['kill', '-9', 'run'], ['kill']],
    [['-x', 'run'], ['run']],
    [['help', 'logs'], ['logs']],
    [['--help'], []],
    [['completion', 'bash'], COMMANDS.filter(({ usage }) => usage !== '').map(({ name }) => name)],
  ])('has for %j the commands %j', async (words, expected) => {
    const { commands } = await createProgram(words);
    const whole = commands.filter(
      ({ options, registeredArguments }) => options.length + registeredArguments.length > 0,
    );
    expect(whole.map((command) => command.name())).toEqual(expected);
  });
});
