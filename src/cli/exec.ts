import { Command, Option } from 'commander';
import { nonEmpty } from './arguments.ts';
import { endAs } from './end-as.ts';
import { addExamples } from './examples.ts';
import { findWhere } from './find-where.ts';
import { RECONNECT_SECONDS } from './reconnect.ts';
import { runRemote } from './remote-run.ts';
import { secureExample } from './secure-example.ts';
import {
  addServerOptions,
  reconnectOption,
  type ServerFlags,
  serverKind,
  withServer,
} from './server-connection.ts';
import { SignalRelay } from './signal-relay.ts';
import { specExamples } from './spec-examples.ts';
import { addSpecOptions, type SpecFlags, specOf } from './spec-options.ts';
import { UsageError } from './usage-error.ts';

interface ExecFlags extends SpecFlags, ServerFlags {
  readonly id?: string;
  readonly stdin: boolean;
  readonly json?: boolean;
}

/** `runlet exec` */
export function execCommand(): Command {
  const command = addServerOptions(new Command('exec'))
    .option('--name, --id <id>', 'its id in the session (default: one is made)', nonEmpty)
    .addOption(reconnectOption(RECONNECT_SECONDS))
    .option('-n, --no-stdin', 'leave standard input alone: the process has none')
    .option('--json', 'print its events as lines of JSON instead of its output')
    .addOption(new Option('-i, --interactive').hideHelp())
    .argument('<where>', 'a session, or a process in it: the id or the beginning of it', nonEmpty)
    .action(exec);
  return addExamples(
    addSpecOptions(command),
    [
      {
        command: 'runlet exec build echo hello',
        does: 'Run a command beside a process',
        prints: /^hello\n$/,
      },
      {
        command: 'runlet exec -it build -- sh',
        does: 'Look around there with a shell',
        prints: /^/,
      },
    ],
    [
      ...specExamples('exec', ' build'),
      secureExample('exec', 'build -- echo hello', /^hello\n$/),
      {
        command:
          'runlet exec --address "$SERVER" --id probe -n --json --reconnect-for 1m build true',
        does: 'Print its events, and give it no input',
        prints: /^\{"seq":1,.*"kind":"started"/,
      },
    ],
  );
}

async function exec(where: string, words: readonly string[], flags: ExecFlags): Promise<void> {
  const signals = new SignalRelay();
  // `exec WHERE -- PROGRAM`, as users of kubectl type it.
  const argv = words[0] === '--' ? words.slice(1) : words;
  if (argv.length === 0) throw new UsageError('<program> is missing');
  const json = flags.json ?? false;
  const running = withServer(flags, async (client, address) => {
    const spec = await specOf(argv, flags, await serverKind(address));
    const session = await findWhere(client, address, where);
    const what = { spec, session, id: flags.id, orphanMs: 0, json, feeds: flags.stdin };
    return runRemote(client, what, signals);
  });
  await endAs(running, json);
}
