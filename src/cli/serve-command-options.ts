import { type Command, Option } from 'commander';
import { nonEmpty } from './arguments.ts';
import type { Example } from './examples.ts';

/** The flags of `runlet serve` that say what the command does, and where the others are said. */
export interface CommandServeFlags {
  /** The path of a file. */
  readonly config?: string;
  readonly check?: boolean;
  readonly daemon?: boolean;
  readonly status?: boolean;
  readonly json?: boolean;
}

/** Examples with those that are about a configuration. */
export const CONFIG_EXAMPLES: readonly Example[] = [
  {
    command:
      'echo \'{log-level: warn, max-sessions: 100}\' >"$FOLDER/serve.yaml" && runlet serve --config "$FOLDER/serve.yaml"',
    does: 'Say in a file what flags would say',
    code: null,
    prints: /^runlet listening on unix:/,
  },
  {
    command:
      'echo \'{log-level: warn, max-sessions: 100}\' >"$FOLDER/serve.yaml" && RUNLET_SERVE_CONFIG="$FOLDER/serve.yaml" runlet serve --max-sessions 50 --check',
    does: 'Look what such a server would be told, and where that is said',
    prints: /^log-level +warn +.*serve\.yaml:1\n(?:.*\n)*max-sessions +50 +flag\n/m,
  },
];

/** Adds them. */
export function addCommandOptions(command: Command): Command {
  return command
    .option(
      '--config <path>',
      'a file that says what flags do not, by their names; read again at SIGHUP (default: none)',
      nonEmpty,
    )
    .addOption(
      new Option(
        '--check',
        'say what would hold, and from where, and what is wrong; read files, start nothing',
      ).conflicts(['daemon', 'status']),
    )
    .addOption(
      new Option(
        '--daemon',
        'serve in the background: return when it listens; the log is serve.log in the folder of --state-dir',
      ).conflicts('status'),
    )
    .option('--status', 'say whether such a server is up; exit with 3 if not')
    .addOption(
      new Option('--json', 'with --status or --check, print a line of JSON').conflicts('daemon'),
    );
}
