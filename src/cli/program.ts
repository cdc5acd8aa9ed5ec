import { Command, Help } from 'commander';
import { VERSION } from '../version.ts';
import { COMMANDS } from './commands.ts';
import { sayDefaultsWithUnits } from './help-values.ts';
import { say, sayAsIs } from './print.ts';
import { wrongWords } from './wrong-words.ts';

/**
 * The command line, for words that it is about to parse: of commands that they cannot be about,
 * it has the names alone. Without words all are there. Parsing throws commander's errors, and
 * those of commands.
 */
export async function createProgram(words?: readonly string[]): Promise<Command> {
  const program = new Command('runlet')
    .description('Runs processes and never loses their output.')
    .version(VERSION, '-v, --version')
    // So that `run` ends them where the program begins.
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: true, subcommandTerm: termOf });
  const wanted = words === undefined ? undefined : wantedCommands(words);
  const commands = await Promise.all(
    COMMANDS.map(async (entry) => {
      const whole = wanted?.includes(entry.name) ?? true;
      const command = whole ? await entry.load() : new Command(entry.name);
      return command.summary(entry.summary ?? '').description(entry.description);
    }),
  );
  for (const [i, command] of commands.entries()) {
    program.addCommand(command, { hidden: COMMANDS[i]?.hidden ?? false });
  }
  throwInsteadOfExit(program);
  return program;
}

/** The commands that may be asked for; undefined: all. */
function wantedCommands(words: readonly string[]): readonly string[] | undefined {
  const [first = '', second = ''] = words.filter((word) => !word.startsWith('-'));
  if (first === 'completion') return undefined;
  return first === 'help' ? [second] : [first];
}

/** How the help shows a command, of which no more than its entry may be there. */
function termOf(command: Command): string {
  const entry = COMMANDS.find(({ name }) => name === command.name());
  return entry === undefined
    ? new Help().subcommandTerm(command)
    : `${entry.name} ${entry.usage}`.trim();
}

/** How all commands say what they have to say. Of wrong arguments that is said before. */
function throwInsteadOfExit(command: Command): void {
  sayDefaultsWithUnits(command);
  command.exitOverride().configureOutput({
    writeErr: sayAsIs,
    outputError: (text) => say(wrongWords(text, command)),
  });
  for (const inner of command.commands) throwInsteadOfExit(inner);
}
