import { Command } from 'commander';
import { nonEmpty } from './arguments.ts';
import { addExamples } from './examples.ts';
import { findSession } from './find-process.ts';
import { printable } from './human-text.ts';
import { printJson, printLine, say } from './print.ts';
import { secureExample } from './secure-example.ts';
import { addServerOptions, type ServerFlags, withServer } from './server-connection.ts';
import { table, tableWidth } from './table.ts';

interface PortsFlags extends ServerFlags {
  readonly session?: string;
  readonly json?: boolean;
}

/** `runlet ports` */
export function portsCommand(): Command {
  const command = addServerOptions(new Command('ports'))
    .option('--session <id>', 'the session (default: that of the last process)', nonEmpty)
    .option('--json', 'print a line of JSON for each')
    .action(ports);
  return addExamples(
    command,
    [
      {
        command: 'runlet ports',
        does: 'See at which ports the processes of the last session listen',
        prints: /^PROCESS +PID +ADDRESS +PORT +NETWORK\n/,
      },
      {
        command: 'runlet ports --session "$SESSION" --json',
        does: 'List those of a session for a script',
        prints: /^$/,
      },
    ],
    [secureExample('ports', '--session "$SESSION"', /^PROCESS +/)],
  );
}

async function ports(flags: PortsFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const id = await findSession(client, address, flags);
    const session = await client.session({ id, ifAttached: 'share' });
    const { ports: found, truncated } = await session.ports();
    if (flags.json === true) {
      for (const { host, ownNetwork, pid, port, processId } of found) {
        await printJson({ process: processId, pid, host, port, ownNetwork });
      }
    } else {
      const rows = found.map(({ host, ownNetwork, pid, port, processId }) => [
        printable(processId),
        String(pid),
        host,
        String(port),
        ownNetwork ? 'its own' : 'the server',
      ]);
      const head = ['PROCESS', 'PID', 'ADDRESS', 'PORT', 'NETWORK'];
      for (const line of table([head, ...rows], tableWidth())) await printLine(line);
    }
    if (truncated) say('there are more of them, which the server does not tell');
  });
}
