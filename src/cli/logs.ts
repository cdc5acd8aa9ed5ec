import { Command } from 'commander';
import { nonEmpty, wholeNumber } from './arguments.ts';
import { lineSink, outputSink } from './event-sink.ts';
import { addExamples } from './examples.ts';
import { findProcess, type ProcessFlags } from './find-process.ts';
import { RECONNECT_SECONDS } from './reconnect.ts';
import {
  addressOption,
  reconnectOption,
  type ServerFlags,
  withServer,
} from './server-connection.ts';

interface LogsFlags extends ServerFlags, ProcessFlags {
  readonly follow?: boolean;
  readonly sinceSeq: number;
  readonly json?: boolean;
}

/** `runlet logs` */
export function logsCommand(): Command {
  const command = new Command('logs')
    .description(
      'Print what a process wrote. Whoever is attached to its session stays so, and breaks of the connection are passed over.',
    )
    .addOption(addressOption())
    .option('--session <id>', 'the session of the process (default: the last one)', nonEmpty)
    .option('-f, --follow', 'go on until its output has ended')
    .option(
      '--since-seq <number>',
      'begin after the event with this number, as --json prints it',
      wholeNumber,
      0,
    )
    .addOption(reconnectOption(RECONNECT_SECONDS))
    .option('--json', 'print its events as lines of JSON instead of its output')
    .argument('[process]', 'its id or the beginning of it (default: the last one)', nonEmpty)
    .action(logs);
  return addExamples(command, [
    { command: 'runlet logs', does: 'Print what the last process wrote', prints: /^building\n$/ },
    {
      command: 'runlet logs -f build',
      does: 'Print what a process wrote and will write',
      prints: /^building\n$/,
    },
    {
      command: 'runlet logs --json --since-seq 1 build',
      does: 'Read on in a script after the event that it had last',
      prints: /^(?:\{"seq":[2-9],.*\}\n)+$/,
    },
  ]);
}

async function logs(name: string | undefined, flags: LogsFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const { processId, session } = await findProcess(client, address, flags, name);
    const process = await session.process(processId);
    const sink = flags.json === true ? lineSink() : outputSink();
    // What comes from now on is for those who follow.
    const last = flags.follow === true ? Number.POSITIVE_INFINITY : (await process.info()).lastSeq;
    if (flags.sinceSeq === last) return;
    for await (const event of process.events({ after: flags.sinceSeq })) {
      await sink(event);
      if (event.seq >= last) return;
    }
  });
}
