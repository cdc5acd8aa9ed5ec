import { randomBytes } from 'node:crypto';
import { Command, Option } from 'commander';
import type { OverflowName, ProcessSpec, RemoteSession, RunletClient } from '../client/index.ts';
import { nonEmpty, positiveBytes, seconds } from './arguments.ts';
import { addExamples } from './examples.ts';
import { findSession } from './find-process.ts';
import { rememberProcess } from './last-process.ts';
import { namingStart } from './named-error.ts';
import { printJson, printLine } from './print.ts';
import { secureExample } from './secure-example.ts';
import { addServerOptions, type ServerFlags, serverKind, withServer } from './server-connection.ts';
import { specExamples } from './spec-examples.ts';
import { addSpecOptions, type SpecFlags, specOf } from './spec-options.ts';

/** How a process is started that goes on by itself. */
export interface StartFlags extends SpecFlags, ServerFlags {
  readonly session?: string;
  readonly retainedBytes?: number;
  readonly overflow?: OverflowName;
  readonly quiet?: boolean;
  readonly id?: string;
  readonly ttl?: number;
  readonly retention?: number;
  readonly stdin?: boolean;
  readonly json?: boolean;
}

const OVERFLOWS: readonly OverflowName[] = ['drop-oldest', 'pause'];

/** `runlet start` */
export function startCommand(): Command {
  const command = addServerOptions(new Command('start'))
    .option('--session <id>', 'a session that is there (default: a new one)', nonEmpty)
    .option('--name, --id <id>', 'its id in the session (default: one is made)', nonEmpty)
    .addOption(
      new Option(
        '--ttl <duration>',
        'how long the new session lives while no command uses it; then it ends, and the process with it (default: the longest that the server allows)',
      )
        .argParser(seconds)
        .conflicts('session'),
    )
    .option(
      '--retention <duration>',
      'how long the process can be read after its end (default: as long as the session lives)',
      seconds,
    )
    .option(
      '--retained-bytes <size>',
      "how much of its output is retained (default: the server's)",
      positiveBytes,
    )
    .addOption(
      new Option(
        '--overflow <what>',
        'what becomes of more: the oldest is dropped, or the process waits until somebody has read it (default: drop-oldest)',
      ).choices(OVERFLOWS),
    )
    .option('-i, --stdin', 'give it a standard input that `runlet attach` writes to')
    .option('-q, --quiet', 'print the id of the process alone')
    .option('--json', 'print the ids as a line of JSON')
    .action(start);
  return addExamples(
    addSpecOptions(command),
    [
      {
        command: "runlet start -- sh -c 'echo hello; sleep 60'",
        does: 'Start a process in a session of its own',
        prints: /^session {2}[0-9a-f-]{36}\nprocess {2}[0-9a-f]{8}\n$/,
      },
      {
        command: 'runlet start -q --label job=build --retained-bytes 1GiB sleep 60',
        does: 'Start one that is found by its label, and keep much of its output',
        prints: /^[0-9a-f]{8}\n$/,
      },
      {
        command: 'runlet start -t --id shell -- sh',
        does: 'Start a shell on a terminal, to be attached to',
        prints: /^session {2}[0-9a-f-]{36}\nprocess {2}shell\n$/,
      },
      {
        command: 'runlet start --json --ttl 1h -- sleep 60',
        does: 'Print the ids for a script',
        prints:
          /^\{"session":"[0-9a-f-]{36}","process":"[0-9a-f]{8}","pid":\d+,"address":".*"\}\n$/,
      },
    ],
    [
      ...specExamples('start', '', /^session {2}.*\nprocess {2}.*\n$/),
      secureExample('start', '-- sleep 60', /^session {2}.*\nprocess {2}.*\n$/),
      {
        command:
          'runlet start --address "$SERVER" --session "$SESSION" --overflow pause --retention 10m -i -- cat',
        does: 'Start a process beside others that is written to, and loses nothing',
        prints: /^session {2}.*\nprocess {2}.*\n$/,
      },
    ],
  );
}

/** Starts a process, and prints its ids. */
export async function start(argv: readonly string[], flags: StartFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const spec: ProcessSpec = {
      ...(await specOf(argv, flags, await serverKind(address))),
      ...(flags.overflow === undefined ? {} : { overflow: flags.overflow }),
      ...(flags.retainedBytes === undefined ? {} : { retainedBytes: flags.retainedBytes }),
      ...(flags.stdin === true ? { stdin: 'pipe' } : {}),
      ...(flags.retention === undefined ? {} : { retentionMs: flags.retention * 1000 }),
    };
    const session = await openSession(client, address, flags);
    const id = flags.id ?? randomBytes(4).toString('hex');
    try {
      const { pid } = await namingStart(spec, session.start(spec, { id }));
      await rememberProcess(address, { session: session.id, process: id });
      if (flags.json === true) {
        await printJson({ session: session.id, process: id, pid, address });
      } else if (flags.quiet === true) {
        await printLine(id);
      } else {
        await printLine(`session  ${session.id}\nprocess  ${id}`);
      }
    } catch (error) {
      // One that was made for it has nothing in it, or nobody knows what.
      if (flags.session === undefined) await session.close().catch(() => {});
      throw error;
    }
  });
}

/** Not attached: whoever is keeps it. */
async function openSession(
  client: RunletClient,
  address: string,
  flags: StartFlags,
): Promise<RemoteSession> {
  if (flags.session !== undefined) {
    const id = await findSession(client, address, flags);
    return client.session({ id, ifAttached: 'share' });
  }
  const ttl = flags.ttl ?? Number.POSITIVE_INFINITY;
  return client.session({ detachedTtlMs: ttl * 1000, ifAttached: 'share' });
}
