import { Command, Option } from 'commander';
import type { ProcessInfo, RunletClient } from '../client/index.ts';
import { nonEmpty } from './arguments.ts';
import { addExamples } from './examples.ts';
import { allProcesses, findSession, type ProcessFlags } from './find-process.ts';
import { agoText, commandText, printable } from './human-text.ts';
import { printJson, printLine } from './print.ts';
import { processLine } from './process-line.ts';
import { addressOption, type ServerFlags, withServer } from './server-connection.ts';
import { table, tableWidth } from './table.ts';

interface PsFlags extends ServerFlags, ProcessFlags {
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `runlet ps` */
export function psCommand(): Command {
  const command = new Command('ps')
    .description('List the processes of a session, those that ended and can be read included.')
    .addOption(addressOption())
    .option('--session <id>', 'the session (default: the last one)', nonEmpty)
    .addOption(new Option('-a, --all', 'list those of all sessions').conflicts('session'))
    .option('--json', 'print a line of JSON for each')
    .action(ps);
  return addExamples(command, [
    {
      command: 'runlet ps',
      does: 'List the processes of the last session',
      prints: /^PROCESS +STATE +STARTED +COMMAND\nbuild +/,
    },
    {
      command: 'runlet ps --all --json',
      does: 'List the processes of all sessions for a script',
      prints: /^(?:\{"session":"[0-9a-f-]{36}","process":".*\}\n)+$/,
    },
  ]);
}

async function ps(flags: PsFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const all = flags.all ?? false;
    const processes = all
      ? await allProcesses(client)
      : await processesOf(client, await findSession(client, address, flags));
    if (flags.json === true) {
      for (const process of processes) await printJson(processLine(process));
      return;
    }
    const now = new Date();
    const head = ['PROCESS', 'STATE', 'STARTED', 'COMMAND'];
    const rows = processes.map((process) => [
      printable(process.id),
      stateText(process),
      agoText(process.startTime, now),
      commandText(process.argv),
    ]);
    const lines = [head, ...rows].map((row, i) =>
      all ? [processes[i - 1]?.sessionId ?? 'SESSION', ...row] : row,
    );
    for (const line of table(lines, tableWidth())) await printLine(line);
  });
}

async function processesOf(client: RunletClient, id: string): Promise<readonly ProcessInfo[]> {
  const session = await client.session({ id, ifAttached: 'share' });
  return session.processes();
}

/** `running`; `exit 3` or `SIGTERM`; with why, if that was not its own doing. */
function stateText({ exit, state }: ProcessInfo): string {
  if (exit === undefined) return state;
  const how =
    exit.code === null ? (exit.signal ?? `signal ${exit.signalNumber}`) : `exit ${exit.code}`;
  const why = exit.reason === 'exited' || exit.reason === 'signaled' ? '' : `, ${exit.reason}`;
  const open = state === 'exited' ? ', output open' : '';
  return how + why + open;
}
