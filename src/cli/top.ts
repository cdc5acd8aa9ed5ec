import { Command, Option } from 'commander';
import type { RunletClient, Stats } from '../client/index.ts';
import { abortedBySignals } from './abort-on-signal.ts';
import { positiveSeconds } from './arguments.ts';
import { connectionNotice } from './connection-notice.ts';
import { addExamples } from './examples.ts';
import { printJson, printLine } from './print.ts';
import { RECONNECT_SECONDS } from './reconnect.ts';
import { secureExample } from './secure-example.ts';
import {
  addServerOptions,
  reconnectOption,
  type ServerFlags,
  withServer,
} from './server-connection.ts';
import { tableWidth } from './table.ts';
import { type FullScreen, fillScreen, screenTerminal } from './top/full-screen.ts';
import { SORTS, type Sort } from './top/sorting.ts';
import { statsLine } from './top/stats-line.ts';
import { summaryLines } from './top/summary.ts';
import { processLines, sessionLines } from './top/tables.ts';

/** So often that what has changed is seen within a second. */
const INTERVAL_SECONDS = 0.75;

/** Rounds after which there are rates where the server does not tell what processes use. */
const ROUNDS_FOR_RATES = 2;

interface TopFlags extends ServerFlags {
  readonly all?: boolean;
  readonly interval: number;
  readonly sort: Sort;
  readonly once?: boolean;
  readonly json?: boolean;
  readonly reconnectFor: number;
}

/** `runlet top` */
export function topCommand(): Command {
  const command = addServerOptions(new Command('top'))
    .option('-a, --all', "those of all callers, for one who is granted 'admin'")
    .option('--interval <duration>', 'how often to look', positiveSeconds, INTERVAL_SECONDS)
    .addOption(
      new Option('--sort <what>', 'what has most comes first').choices(SORTS).default('cpu'),
    )
    .option('--once', 'look once, which takes a second or two, and print it')
    .addOption(reconnectOption(RECONNECT_SECONDS))
    .option('--json', 'print a line of JSON for each look')
    .action(top);
  return addExamples(
    command,
    [
      {
        command: 'runlet top',
        does: 'Watch what runs; q ends it',
        code: null,
        prints: /^sessions: 0, 0 attached {3}processes: /,
      },
      {
        command: 'runlet top --once --sort memory',
        does: 'See what needs most memory',
        prints: /^sessions: .*\n\nSESSION +RUNNING .*\n\nPROCESS +SESSION +/s,
      },
      {
        command: 'runlet top --json --interval 5s',
        does: 'Follow it in a script',
        code: null,
        prints: /^\{"time":"/,
      },
    ],
    [
      {
        command: 'runlet top --address "$SERVER" --reconnect-for 1m --once --json',
        does: 'Read how a server is once in a script',
        prints: /^\{"time":".*\}\n$/,
      },
      secureExample('top', '--all --once', /^sessions: /),
    ],
  );
}

async function top(flags: TopFlags): Promise<void> {
  await abortedBySignals((signal) =>
    withServer(flags, async (client, address) => {
      if (flags.once === true) await print(await lookOnce(client, flags, signal), flags);
      else if (flags.json === true) await follow(client, flags, signal);
      else await show(client, address, flags, signal);
    }),
  );
}

/** How all is, once it is known what is used in a second. */
async function lookOnce(
  client: RunletClient,
  { all = false, interval }: TopFlags,
  signal: AbortSignal,
): Promise<Stats> {
  let rounds = 0;
  let first: number | undefined;
  for await (const stats of client.watchStats({ all, intervalMs: interval * 1000, signal })) {
    rounds += 1;
    first ??= stats.usageLook;
    const { usageLook } = stats;
    if (usageLook === undefined ? rounds === ROUNDS_FOR_RATES : usageLook !== first) return stats;
  }
  throw new Error('the server told nothing of what it does');
}

/** Prints each look, until it is ended. */
async function follow(client: RunletClient, flags: TopFlags, signal: AbortSignal): Promise<void> {
  const { all = false, interval, reconnectFor } = flags;
  const onConnectionChange = connectionNotice(reconnectFor);
  const how = { all, intervalMs: interval * 1000, signal, onConnectionChange };
  let isFirst = true;
  for await (const stats of client.watchStats(how)) {
    if (!isFirst && flags.json !== true) await printLine('');
    isFirst = false;
    await print(stats, flags);
  }
}

async function print(stats: Stats, { json, sort }: TopFlags): Promise<void> {
  if (json === true) {
    await printJson(statsLine(stats));
    return;
  }
  const options = { sort, ended: false, width: tableWidth(), whole: true };
  for (const line of summaryLines(stats)) await printLine(line);
  for (const table of [sessionLines(stats, options), processLines(stats, options)]) {
    const lines = Array.from({ length: table.count }, (_, i) => table.at(i));
    await printLine(['', table.title, ...lines].join('\n'));
  }
}

/** Fills the terminal that we are on; prints each look where there is none. */
async function show(
  client: RunletClient,
  address: string,
  flags: TopFlags,
  signal: AbortSignal,
): Promise<void> {
  const terminal = screenTerminal();
  if (terminal === undefined) {
    await follow(client, flags, signal);
    return;
  }
  const { all = false, interval, sort } = flags;
  const quit = new AbortController();
  let screen: FullScreen | undefined;
  try {
    const looks = client.watchStats({
      all,
      intervalMs: interval * 1000,
      signal: AbortSignal.any([signal, quit.signal]),
      onConnectionChange: (connected) => screen?.connection(connected),
    });
    for await (const stats of looks) {
      // Not before: whoever is refused is told so where it was asked.
      screen ??= fillScreen(terminal, stats, {
        address,
        view: { of: 'processes', sort, ended: false, first: 0 },
        onQuit: () => quit.abort(),
      });
      screen.tell(stats);
    }
  } catch (error) {
    if (!quit.signal.aborted) throw error;
  } finally {
    await screen?.leave();
  }
}
