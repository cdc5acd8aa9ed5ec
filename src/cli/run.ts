import { Command, Option } from 'commander';
import type { ProcessExit } from '../client/index.ts';
import { nonEmpty, positiveSeconds } from './arguments.ts';
import { type ConnectionSetup, connectionSetup, PLAIN_CONNECTION } from './connection-flags.ts';
import { endAs } from './end-as.ts';
import { addExamples } from './examples.ts';
import { withOwnServer } from './own-server.ts';
import { type RemoteRun, runRemote } from './remote-run.ts';
import { secureExample } from './secure-example.ts';
import {
  addServerOptions,
  givenAddress,
  isReachable,
  type ServerFlags,
  serverAddress,
  serverKind,
  withServerAt,
} from './server-connection.ts';
import { SignalRelay } from './signal-relay.ts';
import { specExamples } from './spec-examples.ts';
import { addSpecOptions, type SpecFlags, specOf } from './spec-options.ts';
import { canShareStandardInput } from './standard-input.ts';
import { start } from './start.ts';

/** How long the process goes on if we vanish without a word, in seconds, if nothing is said. */
const DEFAULT_ORPHAN_SECONDS = 10;

interface RunFlags extends SpecFlags, ServerFlags {
  readonly reconnectFor: number;
  readonly id?: string;
  readonly detach?: boolean;
  readonly interactive?: boolean;
  readonly local?: boolean;
  readonly stdin: boolean;
  readonly json?: boolean;
}

/** `runlet run` */
export function runCommand(): Command {
  const command = addServerOptions(new Command('run'), '$RUNLET_ADDRESS, or a server of its own')
    .option(
      '--reconnect-for <duration>',
      'how long to try to come back after the connection broke, and how long the process goes on if this program is gone',
      positiveSeconds,
      DEFAULT_ORPHAN_SECONDS,
    )
    .option('--local', "use this user's server, if `runlet serve` is up, and else one of its own")
    .option(
      '-d, --detach',
      'print its ids and leave it alone, as `runlet start` does; that takes a server that stays',
    )
    .option('--name, --id <id>', 'its id (default: one is made)', nonEmpty)
    .option('-n, --no-stdin', 'leave standard input alone: the process has none')
    .option('--json', 'print its events as lines of JSON instead of its output')
    // What users of docker type, and what happens anyway.
    .addOption(new Option('-i, --interactive').hideHelp())
    .addOption(new Option('--rm').hideHelp())
    .action(run);
  return addExamples(
    addSpecOptions(command),
    [
      {
        command: "runlet run -- sh -c 'echo hello; exit 3'",
        does: 'Run a command here',
        code: 3,
        prints: /^hello\n$/,
      },
      {
        command: 'runlet run ls -a /',
        does: 'All that follows the program is its own',
        prints: /^\.\n\.\.\n/,
      },
      {
        command: 'runlet run -t -- sh',
        does: 'Run a shell on a terminal',
        prints: /^/,
      },
      {
        command: 'runlet run --timeout 0.5 -- sleep 60',
        does: 'End it if it takes too long',
        code: 124,
        prints: /^runlet: .*\(timed-out\)\n$/,
      },
      {
        command: 'runlet run --env-policy none --env GREETING=hello -- /usr/bin/env',
        does: 'Choose its variables',
        prints: /^GREETING=hello\n$/,
      },
    ],
    [
      ...specExamples('run'),
      secureExample('run', '-- echo hello', /^hello\n$/),
      {
        command: 'runlet run --local --name job --reconnect-for 1m -n --json -- true',
        does: 'Use the local server if one is up, and print events',
        prints: /^\{"seq":1,.*"kind":"started"/,
      },
      {
        command: 'runlet run --address "$SERVER" -d -- sleep 60',
        does: 'Start it on a server that stays, and leave it alone',
        prints: /^session {2}.*\nprocess {2}.*\n$/,
      },
    ],
  );
}

async function run(argv: readonly string[], flags: RunFlags): Promise<void> {
  if (flags.detach === true) {
    await start(argv, { ...flags, stdin: flags.interactive === true });
    return;
  }
  const signals = new SignalRelay();
  const address = await addressFor(flags);
  const server = address === undefined ? 'own' : await serverKind(address);
  // A program that shares it reads as much of it as it wants, and leaves the rest to others.
  const sharesStdin =
    server === 'own' && flags.stdin && flags.tty !== true && canShareStandardInput();
  const what: RemoteRun = {
    spec: await specOf(argv, flags, server),
    id: flags.id,
    orphanMs: flags.reconnectFor * 1000,
    json: flags.json ?? false,
    feeds: flags.stdin && !sharesStdin,
  };
  const running =
    address === undefined
      ? withOwnServer({ sharesStdin }, (own) => runAt(own, what, signals, PLAIN_CONNECTION))
      : runAt(address, what, signals, await connectionSetup(flags));
  await endAs(running, what.json);
}

/** Where to run it; undefined: on a server of its own. */
async function addressFor(flags: RunFlags): Promise<string | undefined> {
  const given = givenAddress(flags);
  if (given !== undefined || flags.local !== true) return given;
  const local = await serverAddress(flags);
  return (await isReachable(local)) ? local : undefined;
}

function runAt(
  address: string,
  what: RemoteRun,
  signals: SignalRelay,
  setup: ConnectionSetup,
): Promise<ProcessExit> {
  return withServerAt(address, undefined, (client) => runRemote(client, what, signals), setup);
}
