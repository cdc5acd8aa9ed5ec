import { Command } from 'commander';
import type { ProcessExit } from '../client/index.ts';
import { addExamples } from './examples.ts';
import { processExitCode } from './exit-codes.ts';
import { findProcess, openProcess, type ProcessFlags } from './find-process.ts';
import { printJson, printLine } from './print.ts';
import { addProcessArguments } from './process-arguments.ts';
import { exitFields } from './process-line.ts';
import { RECONNECT_SECONDS } from './reconnect.ts';
import { secureExample } from './secure-example.ts';
import { reconnectOption, type ServerFlags, withServer } from './server-connection.ts';

interface WaitFlags extends ServerFlags, ProcessFlags {
  readonly any?: boolean;
  readonly exitCode?: boolean;
  readonly json?: boolean;
}

/** A process that is waited for, by its ids. */
interface Found {
  readonly session: string;
  readonly process: string;
  readonly exited: () => Promise<ProcessExit>;
}

/** One that ended. */
interface Ended extends Omit<Found, 'exited'> {
  readonly exit: ProcessExit;
}

/** `runlet wait` */
export function waitCommand(): Command {
  const command = addProcessArguments(new Command('wait'))
    .option('--any', 'wait for the first of them alone')
    .option('--exit-code', 'exit with the code of the last that is waited for')
    .addOption(reconnectOption(RECONNECT_SECONDS))
    .option('--json', 'print a line of JSON for each')
    .action(wait);
  return addExamples(
    command,
    [
      { command: 'runlet wait build', does: 'Wait for a process', prints: /^0\n$/ },
      {
        command: 'runlet wait --any --json build',
        does: 'Wait for the first of several, and say which it was',
        prints: /^\{"session":"[0-9a-f-]{36}","process":"build","code":0,.*\}\n$/,
      },
    ],
    [
      {
        command:
          'runlet wait --address "$SERVER" --session "$SESSION" --exit-code --reconnect-for 1m',
        does: 'Wait for the last process of a session, and exit as it did',
        prints: /^0\n$/,
      },
      secureExample('wait', 'build', /^0\n$/),
    ],
  );
}

async function wait(names: readonly string[], flags: WaitFlags): Promise<void> {
  await withServer(flags, async (client, address) => {
    const wanted = names.length === 0 ? [undefined] : names;
    const found: Found[] = [];
    // All are looked for before any is waited for: a wrong name is told of at once.
    for (const name of wanted) {
      const one = await findProcess(client, address, flags, name);
      const process = await openProcess(one);
      found.push({
        session: one.session.id,
        process: one.processId,
        exited: () => process.exited,
      });
    }
    const ends = found.map(async ({ exited, ...ids }) => ({ ...ids, exit: await exited() }));
    if (flags.any === true) {
      await tell(await Promise.race(ends), flags);
      return;
    }
    for (const ended of await Promise.all(ends)) await tell(ended, flags);
  });
}

async function tell({ exit, ...ids }: Ended, flags: WaitFlags): Promise<void> {
  const code = processExitCode(exit);
  if (flags.exitCode === true) process.exitCode = code;
  return flags.json === true ? printJson({ ...ids, ...exitFields(exit) }) : printLine(String(code));
}
