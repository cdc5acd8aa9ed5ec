import { Command, Option } from 'commander';
import type { RemoteProcess, SignalName, SignalScopeName } from '../client/index.ts';
import { seconds, signal } from './arguments.ts';
import { addExamples } from './examples.ts';
import { type FoundProcess, forEachProcess, type ProcessFlags } from './find-process.ts';
import { printJson } from './print.ts';
import { addProcessArguments } from './process-arguments.ts';
import { secureExample } from './secure-example.ts';
import { type ServerFlags, withServer } from './server-connection.ts';

interface KillFlags extends ServerFlags, ProcessFlags {
  readonly signal?: SignalName;
  readonly scope?: SignalScopeName;
  readonly grace?: number;
  readonly json?: boolean;
}

const SCOPES: readonly SignalScopeName[] = ['group', 'leader', 'tree'];

/** `runlet kill` */
export function killCommand(): Command {
  const command = addProcessArguments(new Command('kill'))
    .option(
      '-s, --signal <signal>',
      'send INT, SIGINT or 2 (default: TERM, and KILL after the grace)',
      signal,
    )
    .addOption(
      new Option('--scope <who>', 'who is meant (default: tree, and group with --signal)').choices(
        SCOPES,
      ),
    )
    .addOption(graceOption('--grace <duration>').conflicts('signal'))
    .option('--json', 'print what was done as a line of JSON for each')
    .action(kill);
  return addExamples(
    command,
    [
      { command: 'runlet kill', does: 'End the last process', prints: /^$/ },
      {
        command: 'runlet kill -INT build',
        does: 'Interrupt a process, as Ctrl-C does',
        prints: /^$/,
      },
      {
        command: 'runlet kill --signal TERM --scope leader build',
        does: 'Send a signal to it alone, and to none of what came of it',
        prints: /^$/,
      },
      {
        command: 'runlet kill --grace 0 --json build',
        does: 'End it at once, and say whether it was running',
        prints: /^\{"session":"[0-9a-f-]{36}","process":"build","wasRunning":true\}\n$/,
      },
    ],
    [
      {
        command: 'runlet kill --address "$SERVER" --session "$SESSION" -9',
        does: 'Kill the last process of a session',
        prints: /^$/,
      },
      secureExample('kill', 'build', /^$/),
    ],
  );
}

/** `runlet stop`, which is what users of docker and systemctl type. */
export function stopCommand(): Command {
  const command = addProcessArguments(new Command('stop'))
    .addOption(graceOption('-t, --grace <duration>'))
    .option('--json', 'print what was done as a line of JSON for each')
    .action(kill);
  return addExamples(
    command,
    [{ command: 'runlet stop -t 1s build', does: 'Give it a second to end', prints: /^$/ }],
    [
      {
        command: 'runlet stop --address "$SERVER" --session "$SESSION" --json build',
        does: 'End a process of a session, and say whether it was running',
        prints: /"wasRunning":true/,
      },
      secureExample('stop', 'build', /^$/),
    ],
  );
}

function graceOption(flags: string): Option {
  return new Option(flags, 'time between SIGTERM and SIGKILL (default: 5s)').argParser(seconds);
}

async function kill(names: readonly string[], flags: KillFlags): Promise<void> {
  await withServer(flags, (client, address) =>
    forEachProcess(client, address, flags, names, (process, found) => end(process, found, flags)),
  );
}

async function end(
  process: RemoteProcess,
  { processId, session }: FoundProcess,
  flags: KillFlags,
): Promise<void> {
  const scope = flags.scope === undefined ? {} : { scope: flags.scope };
  const ids = { session: session.id, process: processId };
  if (flags.signal !== undefined) {
    await process.kill(flags.signal, scope);
    if (flags.json === true) await printJson({ ...ids, signal: flags.signal });
    return;
  }
  const grace = flags.grace === undefined ? {} : { graceMs: flags.grace * 1000 };
  const wasRunning = await process.terminate({ ...grace, ...scope });
  if (flags.json === true) await printJson({ ...ids, wasRunning });
}
