import { Command } from 'commander';
import { ConnectionError, type RunletClient, type SessionInfo } from '../client/index.ts';
import { collect, nonEmpty } from './arguments.ts';
import { addExamples } from './examples.ts';
import { fail } from './failure.ts';
import { allProcesses, findSession } from './find-process.ts';
import { agoText, printable, spanText } from './human-text.ts';
import { printJson, printLine } from './print.ts';
import { secureExample } from './secure-example.ts';
import { addServerOptions, type ServerFlags, withServer } from './server-connection.ts';
import { table, tableWidth } from './table.ts';
import { UsageError } from './usage-error.ts';

interface SessionsFlags extends ServerFlags {
  readonly json?: boolean;
}

interface CloseFlags extends SessionsFlags {
  readonly all?: boolean;
  readonly idle?: boolean;
}

/** `runlet sessions` */
export function sessionsCommand(): Command {
  const command = addServerOptions(new Command('sessions'))
    // What follows `close` is its own: --help-all, for one.
    .enablePositionalOptions()
    .option('--json', 'print a line of JSON for each')
    .addCommand(closeCommand())
    .action(list);
  return addExamples(
    command,
    [
      {
        command: 'runlet sessions',
        does: 'List the sessions',
        prints: /^SESSION +ATTACHED +PROCESSES +TTL +CREATED +LABELS\n[0-9a-f-]{36} +no +1 +/,
      },
    ],
    [
      {
        command: 'runlet sessions --address "$SERVER" --json',
        does: 'List the sessions of a server for a script',
        prints: /^\{"session":/,
      },
      secureExample('sessions', '', /^SESSION /),
    ],
  );
}

/** `runlet sessions close` */
function closeCommand(): Command {
  const command = addServerOptions(new Command('close'))
    .description('End sessions, and every process in them.')
    .option('-a, --all', 'all sessions that there are')
    .option(
      '--idle',
      'all in which nothing runs any more and to which nobody is attached; those that expired are gone',
    )
    .option('--json', 'print a line of JSON for each')
    .argument(
      '[session...]',
      'their ids or the beginnings of them (default: the last one)',
      (text, earlier?: readonly string[]) => collect(nonEmpty(text), earlier),
    )
    .action(close);
  return addExamples(
    command,
    [
      { command: 'runlet sessions close', does: 'End the last session', prints: /^$/ },
      {
        command: 'runlet sessions close --idle --json',
        does: 'Tidy up: end those in which nothing runs',
        prints: /^\{"session":"[0-9a-f-]{36}","closed":true\}\n$/,
      },
    ],
    [
      {
        command: 'runlet sessions close --address "$SERVER" --all',
        does: 'End all sessions of a server',
        prints: /^$/,
      },
      secureExample('sessions close', '--all', /^$/),
    ],
  );
}

async function list(flags: SessionsFlags): Promise<void> {
  await withServer(flags, async (client) => {
    const sessions = await client.sessions();
    if (flags.json === true) {
      for (const session of sessions) await printJson(sessionLine(session));
      return;
    }
    const now = new Date();
    // Whose they are is told to who sees those of others.
    const several = new Set(sessions.map(({ owner }) => owner)).size > 1;
    const owners = several ? ['OWNER'] : [];
    const head = ['SESSION', ...owners, 'ATTACHED', 'PROCESSES', 'TTL', 'CREATED', 'LABELS'];
    const rows = sessions.map((session) => [
      session.id,
      ...(several ? [printable(session.owner)] : []),
      session.attached ? 'yes' : 'no',
      String(session.processCount),
      spanText(session.detachedTtlMs),
      agoText(session.createTime, now),
      Object.entries(session.labels)
        .map(([key, value]) => printable(`${key}=${value}`))
        .join(' '),
    ]);
    for (const line of table([head, ...rows], tableWidth())) await printLine(line.trimEnd());
  });
}

async function close(
  given: readonly string[],
  _flags: CloseFlags,
  command: Command,
): Promise<void> {
  const flags = command.optsWithGlobals<CloseFlags>();
  const some = flags.all === true || flags.idle === true;
  if (some && given.length > 0) {
    throw new UsageError('sessions are named, or chosen by --all or --idle, but not both');
  }
  await withServer(flags, async (client, address) => {
    const names = some ? await idsOf(client, flags) : given;
    const wanted = names.length === 0 && !some ? [{}] : names.map((session) => ({ session }));
    for (const one of wanted) {
      let id: string;
      try {
        id = await findSession(client, address, one);
        const session = await client.session({ id, ifAttached: 'share' });
        await session.close();
      } catch (error) {
        // That one is not there is no reason to leave the others.
        if (error instanceof ConnectionError) throw error;
        fail(error);
        continue;
      }
      if (flags.json === true) await printJson({ session: id, closed: true });
    }
  });
}

/** The ids of all sessions, or of those that are idle. */
async function idsOf(client: RunletClient, { all }: CloseFlags): Promise<readonly string[]> {
  const ids = (await client.sessions()).map(({ id }) => id);
  if (all === true) return ids;
  const running = (await allProcesses(client)).filter(({ exit }) => exit === undefined);
  const busy = new Set(running.map(({ sessionId }) => sessionId));
  // Asked last: one may have been attached to, or made, meanwhile.
  const sessions = (await client.sessions()).filter(({ attached }) => !attached);
  return sessions.map(({ id }) => id).filter((id) => ids.includes(id) && !busy.has(id));
}

function sessionLine(session: SessionInfo): Record<string, unknown> {
  return {
    session: session.id,
    owner: session.owner,
    createTime: session.createTime.toISOString(),
    labels: session.labels,
    processCount: session.processCount,
    detachedTtlMs: session.detachedTtlMs,
    attached: session.attached,
  };
}
