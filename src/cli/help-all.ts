import { type Command, CommanderError, Help, Option } from 'commander';

/** Shows the help of a command with all that is left out of it otherwise. */
const HELP_ALL = '--help-all';

/** What the help of a command leaves out. */
interface Seldom {
  /** The long names of options. */
  readonly left: Set<string>;
  /** What shows them. */
  readonly option: Option;
}

const SELDOM = new WeakMap<Command, Seldom>();

/**
 * Leaves options of a command, by their long names, out of its help unless all is asked for: so
 * that it fits on a screen. They are there already. More can be left out later.
 */
export function addHelpAll(command: Command, seldom: readonly string[]): Command {
  const { left, option } = SELDOM.get(command) ?? addOption(command);
  for (const long of seldom) left.add(long);
  const count = command.options.filter(({ long }) => left.has(long ?? '')).length;
  option.description = `display help with all options: ${count} more`;
  return command;
}

function addOption(command: Command): Seldom {
  const seldom = { left: new Set<string>(), option: new Option(HELP_ALL) };
  SELDOM.set(command, seldom);
  command.addOption(seldom.option);
  let showsAll = false;
  command.on('option:help-all', () => {
    showsAll = true;
    command.outputHelp();
    throw new CommanderError(0, 'commander.help', '(outputHelp)');
  });
  command.configureHelp({
    visibleOptions: (shown) =>
      allOptions(shown).filter(({ long }) =>
        showsAll ? long !== HELP_ALL : !seldom.left.has(long ?? ''),
      ),
  });
  return seldom;
}

/** The options of a command, also those that its help leaves out. */
export function allOptions(command: Command): Option[] {
  return new Help().visibleOptions(command);
}
