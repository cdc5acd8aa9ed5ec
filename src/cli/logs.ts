import { Command, Option } from 'commander';
import type {
  OutputStreamName,
  ProcessEvent,
  ProcessExit,
  RemoteProcess,
} from '../client/index.ts';
import { nonEmpty, wholeNumber } from './arguments.ts';
import { lineSink, outputSink } from './event-sink.ts';
import { addExamples } from './examples.ts';
import { LOST_OUTPUT_EXIT_CODE, processExitCode } from './exit-codes.ts';
import { findProcess, openProcess, type ProcessFlags } from './find-process.ts';
import { eventsSince, moment, seqBefore } from './log-since.ts';
import { LogTail } from './log-tail.ts';
import { timedSink } from './log-times.ts';
import { RECONNECT_SECONDS } from './reconnect.ts';
import { secureExample } from './secure-example.ts';
import {
  addServerOptions,
  reconnectOption,
  type ServerFlags,
  withServer,
} from './server-connection.ts';

/** Events that are read at first to find the last lines, and how many times more each time. */
const FIRST_EVENTS = 256;
const GROWTH = 8;

interface LogsFlags extends ServerFlags, ProcessFlags {
  readonly follow?: boolean;
  readonly sinceSeq: number;
  readonly since?: number;
  readonly tail?: number;
  readonly timestamps?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly exitCode?: boolean;
  readonly json?: boolean;
}

/** `runlet logs` */
export function logsCommand(): Command {
  const command = addServerOptions(new Command('logs'))
    .option('--session <id>', 'the session of the process (default: the last one)', nonEmpty)
    .option('-f, --follow', 'go on until its output has ended')
    .addOption(
      new Option('-n, --tail <lines>', 'begin with the last lines (default: all)')
        .argParser(wholeNumber)
        .conflicts(['json']),
    )
    .option(
      '--since <when>',
      'begin at 10m or 1h30m ago, or at 2026-01-31T12:00:00Z (default: all)',
      moment,
    )
    .option(
      '--since-seq <number>',
      'begin after the event with this number, as --json prints it',
      wholeNumber,
      0,
    )
    .addOption(
      new Option('-t, --timestamps', 'put before each line when it was written').conflicts('json'),
    )
    .option('--stdout', 'print its standard output alone, or its terminal')
    .option('--stderr', 'print its standard error alone')
    .option('--exit-code', 'end with its exit code, if it has ended')
    .addOption(reconnectOption(RECONNECT_SECONDS))
    .option('--json', 'print its events as lines of JSON instead of its output')
    .argument('[process]', 'its id or the beginning of it (default: the last one)', nonEmpty)
    .action(logs);
  return addExamples(
    command,
    [
      { command: 'runlet logs', does: 'Print what the last process wrote', prints: /^building\n$/ },
      {
        command: 'runlet logs -f build',
        does: 'Print what a process wrote and will write',
        prints: /^building\n$/,
      },
      {
        command: 'runlet logs -n 20 --since 10m -t',
        does: 'See when it wrote its last lines of this time',
        prints: /^\d{4}-\d\d-\d\dT[0-9:.]+Z building\n$/,
      },
      {
        command: 'runlet logs --stderr --exit-code build',
        does: 'Read its errors, and end as it did',
        prints: /^$/,
      },
      {
        command: 'runlet logs --json --since-seq 1 build',
        does: 'Read on in a script after the event that it had last',
        prints: /^(?:\{"seq":[2-9],.*\}\n)+$/,
      },
    ],
    [
      {
        command:
          'runlet logs --address "$SERVER" --session "$SESSION" --stdout --reconnect-for 1m build',
        does: 'Print what a process of a session wrote to its standard output',
        prints: /^building\n$/,
      },
      secureExample('logs', 'build', /^building\n$/),
    ],
  );
}

async function logs(name: string | undefined, flags: LogsFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const remote = await openProcess(await findProcess(client, address, flags, name));
    const sink = flags.json === true ? lineSink() : outputSink();
    const print = flags.timestamps === true ? timedSink(sink) : sink;
    const { exit: before, lastSeq } = await remote.info();
    let exit: ProcessExit | undefined = before;
    let isLost = false;
    for await (const event of eventsToPrint(remote, flags, lastSeq)) {
      const wanted = ofStreams(event, flags);
      if (event.kind === 'exited') exit = event;
      if (wanted === undefined) continue;
      isLost ||= wanted.kind === 'gap' && wanted.ranges.length > 0;
      await print(wanted);
    }
    const code = flags.exitCode === true && exit !== undefined ? processExitCode(exit) : 0;
    process.exitCode = code === 0 && isLost ? LOST_OUTPUT_EXIT_CODE : code;
  });
}

/** What of an event is of the streams that are asked for; undefined: nothing. */
function ofStreams(
  event: ProcessEvent,
  { stderr = false, stdout = false }: LogsFlags,
): ProcessEvent | undefined {
  if (stdout === stderr) return event;
  const isWanted = (stream: OutputStreamName): boolean => (stream === 'stderr') === stderr;
  if (event.kind === 'output') return isWanted(event.stream) ? event : undefined;
  if (event.kind !== 'gap') return event;
  const ranges = event.ranges.filter(({ stream }) => isWanted(stream));
  return ranges.length === 0 ? undefined : { ...event, ranges };
}

/** The events that are asked for, up to the event `lastSeq` or to the end of its output. */
async function* eventsToPrint(
  remote: RemoteProcess,
  flags: LogsFlags,
  lastSeq: number,
): AsyncGenerator<ProcessEvent> {
  const { since, tail } = flags;
  const found = since === undefined ? 0 : await seqBefore(remote, since, lastSeq);
  const from = Math.max(flags.sinceSeq, found);
  const read = (after: number, to: number): AsyncIterable<ProcessEvent> => {
    const events = eventsTo(remote, after, to);
    return since === undefined ? events : eventsSince(events, since);
  };
  // What comes from now on is for those who follow.
  const end = flags.follow === true ? Number.POSITIVE_INFINITY : lastSeq;
  if (tail === undefined) {
    yield* read(from, end);
    return;
  }
  yield* await lastLines(tail, flags, from, lastSeq, read);
  yield* eventsTo(remote, Math.max(from, lastSeq), end);
}

/** The events that have the last lines up to the event `lastSeq`, of those after `from`. */
async function lastLines(
  lines: number,
  flags: LogsFlags,
  from: number,
  lastSeq: number,
  read: (after: number, to: number) => AsyncIterable<ProcessEvent>,
): Promise<readonly ProcessEvent[]> {
  // How many events have so many lines is not known: more are read until they do.
  for (let count = FIRST_EVENTS; ; count *= GROWTH) {
    const after = Math.max(from, lastSeq - count);
    const tail = new LogTail(lines);
    for await (const event of read(after, lastSeq)) {
      const wanted = ofStreams(event, flags);
      if (wanted !== undefined) tail.add(wanted);
    }
    if (tail.isFull || lines === 0 || after <= from) return tail.take();
  }
}

/** The events after one, up to another. */
async function* eventsTo(
  remote: RemoteProcess,
  after: number,
  to: number,
): AsyncGenerator<ProcessEvent> {
  if (after >= to) {
    // It is said that there is no such event.
    if (after > to) await remote.events({ after }).next();
    return;
  }
  for await (const event of remote.events({ after })) {
    yield event;
    if (event.seq >= to) return;
  }
}
