import { type Command, CommanderError, Help, Option } from 'commander';

/** Shows the help of a command with all that is left out of it otherwise. */
const HELP_ALL = '--help-all';

/** Options that the help of a command leaves out, by their long names. */
const SELDOM = new WeakMap<Command, Set<string>>();

/**
 * Leaves options of a command, by their long names, out of its help unless all is asked for: so
 * that it fits on a screen. More can be left out later.
 */
export function addHelpAll(command: Command, seldom: readonly string[]): Command {
  const left = SELDOM.get(command) ?? addOption(command);
  for (const long of seldom) left.add(long);
  return command;
}

function addOption(command: Command): Set<string> {
  const left = new Set<string>();
  SELDOM.set(command, left);
  const isLeft = ({ long }: Option): boolean => left.has(long ?? '');
  const option = new Option(HELP_ALL);
  command.addOption(option);
  let showsAll = false;
  command.on('option:help-all', () => {
    showsAll = true;
    command.outputHelp();
    throw new CommanderError(0, 'commander.help', '(outputHelp)');
  });
  command.configureHelp({
    visibleOptions: (shown) => {
      const count = shown.options.filter(isLeft).length;
      option.description = `display help with all options: ${count} more`;
      return allOptions(shown).filter((one) => (showsAll ? one !== option : !isLeft(one)));
    },
  });
  return left;
}

/** The options of a command, also those that its help leaves out. */
export function allOptions(command: Command): Option[] {
  return new Help().visibleOptions(command);
}
