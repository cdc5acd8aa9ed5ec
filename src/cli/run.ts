import { Command } from 'commander';
import type { ProcessExit } from '../client/index.ts';
import { positiveSeconds } from './arguments.ts';
import { sayWhyEnded } from './end-notice.ts';
import { endAsBy } from './ending.ts';
import { addExamples } from './examples.ts';
import { processExitCode } from './exit-codes.ts';
import { OutputStuckError } from './output-patience.ts';
import { assertInheritedIsText, assertWorkingFolderIsText } from './own-bytes.ts';
import { withOwnServer } from './own-server.ts';
import { type RemoteRun, runRemote } from './remote-run.ts';
import {
  addressOption,
  givenAddress,
  type ServerFlags,
  withServerAt,
} from './server-connection.ts';
import { SignalRelay } from './signal-relay.ts';
import { addSpecOptions, type SpecFlags, specOf } from './spec-options.ts';

/** How long the process goes on if we vanish without a word, in seconds, if nothing is said. */
const DEFAULT_ORPHAN_SECONDS = 10;

interface RunFlags extends SpecFlags, ServerFlags {
  readonly reconnectFor: number;
  readonly json?: boolean;
}

/** `runlet run` */
export function runCommand(): Command {
  const command = new Command('run')
    .description(
      'Run one process and behave like it: its output, its exit code (128+n for signal n), Ctrl-C passed on.',
    )
    .addOption(addressOption('$RUNLET_ADDRESS, or a server of its own'))
    .option(
      '--reconnect-for <seconds>',
      'how long to try to come back after the connection broke, and how long the process goes on if this program is gone',
      positiveSeconds,
      DEFAULT_ORPHAN_SECONDS,
    )
    .option('--json', 'print its events as lines of JSON instead of its output')
    .action(run);
  return addExamples(addSpecOptions(command), [
    {
      command: "runlet run -- sh -c 'echo hello; exit 3'",
      does: 'Run a command here',
      code: 3,
      prints: /^hello\n$/,
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
  ]);
}

async function run(argv: readonly string[], flags: RunFlags): Promise<void> {
  const signals = new SignalRelay();
  const address = givenAddress(flags);
  if (address === undefined) {
    if (flags.cwd === undefined) assertWorkingFolderIsText();
    if (flags.envPolicy === undefined) assertInheritedIsText(process.env);
  }
  const what: RemoteRun = {
    spec: specOf(argv, flags, address === undefined),
    orphanMs: flags.reconnectFor * 1000,
    json: flags.json ?? false,
  };
  try {
    const exit =
      address === undefined
        ? await withOwnServer((own) => runAt(own, what, signals))
        : await runAt(address, what, signals);
    if (!what.json) sayWhyEnded(exit);
    process.exitCode = processExitCode(exit);
    // Of Ctrl-C it dies as its program does, also where that was a key for the program alone.
    const { signal } = exit;
    if (signal !== null && (signal === 'SIGINT' || signals.came(signal))) endAsBy(signal);
  } catch (error) {
    if (!(error instanceof OutputStuckError)) throw error;
    endAsBy(error.signal);
  }
}

function runAt(address: string, what: RemoteRun, signals: SignalRelay): Promise<ProcessExit> {
  return withServerAt(address, undefined, (client) => runRemote(client, what, signals));
}
