import { Command, InvalidArgumentError, Option } from 'commander';
import type { ProcessInfo, RunletClient } from '../client/index.ts';
import { nonEmpty } from './arguments.ts';
import { addExamples } from './examples.ts';
import { allProcesses, findSession, type ProcessFlags } from './find-process.ts';
import { agoText, commandText, printable } from './human-text.ts';
import { printJson, printLine } from './print.ts';
import { processLine } from './process-line.ts';
import { secureExample } from './secure-example.ts';
import { addServerOptions, type ServerFlags, withServer } from './server-connection.ts';
import { table, tableWidth } from './table.ts';

/** What a process has to be to be listed. */
type Filter = (process: ProcessInfo) => boolean;

type Format = 'table' | 'json' | 'name';

interface PsFlags extends ServerFlags, ProcessFlags {
  readonly all?: boolean;
  readonly filter?: readonly Filter[];
  readonly format: Format;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const FORMATS: readonly Format[] = ['table', 'json', 'name'];

/** `runlet ps` */
export function psCommand(): Command {
  const command = addServerOptions(new Command('ps'))
    .option('--session <id>', 'those of this session alone (default: all)', nonEmpty)
    .option('-a, --all', 'list those, too, that ended and can be read')
    .option(
      '-f, --filter <name=value>',
      'only those with state=running, exited or closed, label=NAME, or label=NAME=VALUE. May be given again',
      collectFilter,
    )
    .option('-q, --quiet', 'print ids alone, as --format name does')
    .addOption(new Option('-o, --format <format>', 'how').choices(FORMATS).default('table'))
    .option('--json', 'print a line of JSON for each, as --format json does')
    .action(ps);
  return addExamples(
    command,
    [
      {
        command: 'runlet ps --all',
        does: 'List all processes that can be read',
        prints:
          /^PROCESS +SESSION +PID +STATE +STARTED +COMMAND\nbuild +[0-9a-f]{8} +\d+ +exit 0 +/,
      },
      {
        command: 'runlet ps --all --filter state=closed --json',
        does: 'List those whose output has ended for a script',
        prints: /^(?:\{"session":"[0-9a-f-]{36}","process":".*\}\n)+$/,
      },
      {
        command: 'runlet stop $(runlet ps -q --filter label=job=build)',
        does: 'End those with a label',
        prints: /^/,
      },
    ],
    [
      {
        command: 'runlet ps --address "$SERVER" --session "$SESSION" --all --format name',
        does: 'List the ids of the processes of a session',
        prints: /^build\n$/,
      },
      secureExample('ps', '--all --quiet', /^build\n$/),
    ],
  );
}

function collectFilter(text: string, earlier: readonly Filter[] = []): readonly Filter[] {
  return [...earlier, filter(text)];
}

/** A filter as docker writes them. */
function filter(text: string): Filter {
  const [, name, wanted = ''] = /^(state|label)=(.+)$/s.exec(text) ?? [];
  switch (name) {
    case 'state':
      if (!['running', 'exited', 'closed'].includes(wanted)) break;
      return ({ state }) => state === wanted;
    case 'label': {
      const end = wanted.indexOf('=');
      const key = end === -1 ? wanted : wanted.slice(0, end);
      const value = end === -1 ? undefined : wanted.slice(end + 1);
      return ({ labels }) =>
        Object.hasOwn(labels, key) && (value === undefined || labels[key] === value);
    }
  }
  throw new InvalidArgumentError(
    'it is none of state=running, state=exited, state=closed, label=NAME and label=NAME=VALUE',
  );
}

async function ps(flags: PsFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const filters = flags.filter ?? [];
    // A filter for those that ended means them.
    const all = flags.all === true || filters.length > 0;
    const found = (await processesOf(client, address, flags))
      .filter((process) => all || process.exit === undefined)
      .filter((process) => filters.every((matches) => matches(process)))
      .toSorted((a, b) => a.startTime.getTime() - b.startTime.getTime());
    await print(found, flags);
  });
}

async function processesOf(
  client: RunletClient,
  address: string,
  flags: PsFlags,
): Promise<readonly ProcessInfo[]> {
  if (flags.session === undefined) return allProcesses(client);
  const id = await findSession(client, address, flags);
  return (await client.session({ id, ifAttached: 'share' })).processes();
}

async function print(processes: readonly ProcessInfo[], flags: PsFlags): Promise<void> {
  if (flags.json === true || flags.format === 'json') {
    for (const process of processes) await printJson(processLine(process));
    return;
  }
  if (flags.quiet === true || flags.format === 'name') {
    for (const { id } of processes) await printLine(id);
    return;
  }
  const now = new Date();
  const shown = shortener(processes.map(({ sessionId }) => sessionId));
  const head = ['PROCESS', 'SESSION', 'PID', 'STATE', 'STARTED', 'COMMAND'];
  const rows = processes.map((process) => [
    printable(process.id),
    shown(process.sessionId),
    String(process.pid),
    stateText(process),
    agoText(process.startTime, now),
    commandText(process.argv),
  ]);
  for (const line of table([head, ...rows], tableWidth())) await printLine(line);
}

/** Characters of a session's id that are shown where that is enough to tell it from others. */
const SHORT = 8;

function shortener(ids: readonly string[]): (id: string) => string {
  const whole = new Set(ids);
  const short = new Set([...whole].map((id) => id.slice(0, SHORT)));
  return (id) => (short.size === whole.size ? id.slice(0, SHORT) : id);
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
