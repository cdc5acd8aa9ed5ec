import { type Command, CommanderError, Help, Option } from 'commander';

/** Shows the help of a command with all that is left out of it otherwise. */
const HELP_ALL = '--help-all';

/**
 * Leaves options of a command, by their long names, out of its help unless all is asked for: so
 * that it fits on a screen.
 */
export function addHelpAll(command: Command, seldom: readonly string[]): Command {
  let showsAll = false;
  const count = command.options.filter(({ long }) => seldom.includes(long ?? '')).length;
  const text = `display help with all options: ${count} more`;
  command.addOption(new Option(HELP_ALL, text));
  command.on('option:help-all', () => {
    showsAll = true;
    command.outputHelp();
    throw new CommanderError(0, 'commander.help', '(outputHelp)');
  });
  return command.configureHelp({
    visibleOptions: (shown) =>
      allOptions(shown).filter(({ long }) =>
        showsAll ? long !== HELP_ALL : !seldom.includes(long ?? ''),
      ),
  });
}

/** The options of a command, also those that its help leaves out. */
export function allOptions(command: Command): Option[] {
  return new Help().visibleOptions(command);
}
