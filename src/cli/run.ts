import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { pino } from 'pino';
import { type Address, parseAddress } from '../address.ts';
import { openConnection } from '../client/connection.ts';
import { environmentOf, type RunletServer, startServer } from '../server/server.ts';
import { fail } from './failure.ts';
import { releaseLostTerminals } from './own-terminal.ts';
import { type RemoteRun, runRemote } from './remote-run.ts';
import { SignalRelay } from './signal-relay.ts';

/** Bytes of output that may wait for whoever reads ours. */
const EMBEDDED_RETAINED_BYTES = 8 * 1024 * 1024;

interface RunFlags {
  readonly address?: string;
  readonly cwd?: string;
  readonly tty?: boolean;
}

/** `runlet run` */
export function runCommand(): Command {
  return new Command('run')
    .description(
      'Run one process and behave like it: its output, its exit code (128+n for signal n), Ctrl-C passed on.',
    )
    .option(
      '--address <address>',
      'the server, unix:PATH or HOST:PORT (default: $RUNLET_ADDRESS, or a server of its own)',
    )
    .option('--cwd <path>', "the working directory (default: this one, or a remote server's own)")
    .option(
      '-t, --tty',
      'run it on a terminal, which has the size of this one and gets every key, Ctrl-C too',
    )
    .argument('<argv...>', 'the program and its arguments, after --')
    .addHelpText(
      'after',
      '\nExamples:\n  runlet run -- sh -c "echo hello; exit 3"\n  runlet run -t -- bash',
    )
    .action(run);
}

async function run(argv: readonly string[], flags: RunFlags): Promise<void> {
  const signals = new SignalRelay();
  const given = flags.address ?? process.env['RUNLET_ADDRESS'];
  try {
    process.exitCode =
      given === undefined || given === ''
        ? await runEmbedded(argv, flags, signals)
        : await runAt(
            parseAddress(given),
            {
              argv,
              cwd: flags.cwd ?? '',
              // A server's own core variables, so that there is a PATH; none of this machine's.
              env: undefined,
              tty: flags.tty ?? false,
            },
            signals,
          );
  } catch (error) {
    fail(error);
  }
  releaseLostTerminals();
  // Standard input may still be open, and would keep this process waiting for nothing.
  process.exit();
}

/** Runs on a server of its own, which nobody else can reach, and ends it. */
async function runEmbedded(
  argv: readonly string[],
  flags: RunFlags,
  signals: SignalRelay,
): Promise<number> {
  // Made with mode 0700.
  const folder = await mkdtemp(join(tmpdir(), 'runlet-run-'));
  const address: Address = { kind: 'unix', path: join(folder, 'runlet.sock') };
  let server: RunletServer | undefined;
  try {
    server = await startServer({
      addresses: [address],
      logger: pino({ enabled: false }, { write: () => {} }),
      // It is read as fast as we write it, and nothing is read again.
      limits: { defaultRetainedBytes: EMBEDDED_RETAINED_BYTES },
    });
    const env = new Map(environmentOf(process.env));
    for (const name of env.keys()) if (name.startsWith('RUNLET_')) env.delete(name);
    const cwd = flags.cwd ?? process.cwd();
    return await runAt(address, { argv, cwd, env, tty: flags.tty ?? false }, signals);
  } finally {
    await server?.shutdown();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runAt(
  address: Address,
  what: Omit<RemoteRun, 'processId'>,
  signals: SignalRelay,
): Promise<number> {
  const connection = openConnection(address);
  try {
    const status = await runRemote(connection, { ...what, processId: randomUUID() }, signals);
    return 'code' in status ? status.code : 128 + status.signal;
  } catch (error) {
    // Whoever read our output went away: end as a program does that writes on.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 128 + constants.signals.SIGPIPE;
    throw error;
  } finally {
    connection.close();
  }
}
