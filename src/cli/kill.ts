import { Command, Option } from 'commander';
import type { SignalName, SignalScopeName } from '../client/index.ts';
import { nonEmpty, seconds, signal } from './arguments.ts';
import { addExamples } from './examples.ts';
import { findProcess, type ProcessFlags } from './find-process.ts';
import { printJson } from './print.ts';
import { addressOption, type ServerFlags, withServer } from './server-connection.ts';

interface KillFlags extends ServerFlags, ProcessFlags {
  readonly signal?: SignalName;
  readonly scope?: SignalScopeName;
  readonly grace?: number;
  readonly json?: boolean;
}

const SCOPES: readonly SignalScopeName[] = ['group', 'leader', 'tree'];

/** `runlet kill` */
export function killCommand(): Command {
  const command = new Command('kill')
    .description(
      'End a process and what came of it: SIGTERM, and SIGKILL after the grace. Or send it a signal.',
    )
    .addOption(addressOption())
    .option('--session <id>', 'the session of the process (default: the last one)', nonEmpty)
    .option('-s, --signal <signal>', 'send this signal instead: INT, SIGINT or 2', signal)
    .addOption(
      new Option('--scope <who>', 'who is meant (default: tree, and group with --signal)').choices(
        SCOPES,
      ),
    )
    .addOption(
      new Option('--grace <seconds>', 'time between SIGTERM and SIGKILL (default: 5)')
        .argParser(seconds)
        .conflicts('signal'),
    )
    .option('--json', 'print what was done as a line of JSON')
    .argument('[process]', 'its id or the beginning of it (default: the last one)', nonEmpty)
    .action(kill);
  return addExamples(command, [
    { command: 'runlet kill', does: 'End the last process', prints: /^$/ },
    {
      command: 'runlet kill --signal INT build',
      does: 'Interrupt a process, as Ctrl-C does',
      prints: /^$/,
    },
    {
      command: 'runlet kill --grace 0 --json build',
      does: 'End it at once, and say whether it was running',
      prints: /^\{"session":"[0-9a-f-]{36}","process":"build","wasRunning":true\}\n$/,
    },
  ]);
}

async function kill(name: string | undefined, flags: KillFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const { processId, session } = await findProcess(client, address, flags, name);
    const process = await session.process(processId);
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
  });
}
