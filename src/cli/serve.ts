import { dirname, isAbsolute } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  type Address,
  defaultAddress,
  formatAddress,
  isLoopback,
  parseAddress,
} from '../address.ts';
import {
  DEFAULT_KEEPALIVE_MS,
  DEFAULT_KEEPALIVE_TIMEOUT_MS,
  DEFAULT_LIMITS,
  type Limits,
} from '../limits.ts';
import { ensurePrivateFolder } from '../private-folder.ts';
import { createLauncher, LAUNCHER_NAMES, type LauncherName } from '../process/launchers.ts';
import { startServer } from '../server/server.ts';
import { tuneHeapGrowth } from './heap-growth.ts';
import { createLogger } from './logger.ts';
import { usableStateFolder } from './state-folder.ts';

interface ServeFlags {
  readonly listen?: readonly Address[];
  readonly auth?: 'none';
  readonly launcher?: LauncherName;
  readonly cwd?: string;
  readonly logLevel: string;
  readonly retention: number;
  readonly retainedBytes: number;
  readonly maxRetainedBytes: number;
  readonly outputMemory: number;
  readonly outputDisk: number;
  readonly stateDir?: string;
  readonly maxSessions: number;
  readonly maxProcesses: number;
  readonly detachedTtl: number;
  readonly minDetachedTtl: number;
  readonly maxDetachedTtl: number;
  readonly heartbeat: number;
  readonly keepalive: number;
  readonly keepaliveTimeout: number;
  readonly grace: number;
}

/** `runlet serve` */
export function serveCommand(): Command {
  return new Command('serve')
    .description('Serve until SIGTERM or SIGINT. Logs are JSON on standard error.')
    .option(
      '--listen <address>',
      'unix:PATH or HOST:PORT (port 0 picks one); may be given again (default: a Unix socket in the runtime folder)',
      collectAddress,
    )
    .addOption(
      new Option('--auth <kind>', 'who is let in over TCP; required for it').choices(['none']),
    )
    .addOption(
      new Option(
        '--launcher <name>',
        'how processes are started (default: the best that the machine offers)',
      ).choices(LAUNCHER_NAMES),
    )
    .option('--cwd <path>', 'the working directory of processes that name none', absolutePath)
    .addOption(
      new Option('--log-level <level>', 'the least severe lines to log')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .option(
      '--retention <seconds>',
      'how long a closed process can be read by default',
      seconds,
      DEFAULT_LIMITS.defaultRetentionMs / 1000,
    )
    .option(
      '--retained-bytes <bytes>',
      'how much output of a process is retained by default',
      positive,
      DEFAULT_LIMITS.defaultRetainedBytes,
    )
    .option(
      '--max-retained-bytes <bytes>',
      'how much of it a client may ask for',
      positive,
      DEFAULT_LIMITS.maxRetainedBytes,
    )
    .option(
      '--output-memory <bytes>',
      'how much retained output of all processes is in memory',
      positive,
      DEFAULT_LIMITS.outputMemoryBytes,
    )
    .option(
      '--output-disk <bytes>',
      'how much of it is in files; 0: none',
      wholeNumber,
      DEFAULT_LIMITS.outputDiskBytes,
    )
    .option(
      '--state-dir <path>',
      "where these files are (default: runlet in the user's state folder)",
      absolutePath,
    )
    .option('--max-sessions <count>', 'sessions at one time', positive, DEFAULT_LIMITS.maxSessions)
    .option(
      '--max-processes <count>',
      'processes at one time, retained ones included',
      positive,
      DEFAULT_LIMITS.maxProcesses,
    )
    .option(
      '--detached-ttl <seconds>',
      'how long a session lives by default after the last call that named it',
      positiveSeconds,
      DEFAULT_LIMITS.defaultDetachedTtlMs / 1000,
    )
    .option(
      '--min-detached-ttl <seconds>',
      'the shortest such time that a client may ask for',
      seconds,
      DEFAULT_LIMITS.minDetachedTtlMs / 1000,
    )
    .option(
      '--max-detached-ttl <seconds>',
      'the longest such time that a client may ask for',
      positiveSeconds,
      DEFAULT_LIMITS.maxDetachedTtlMs / 1000,
    )
    .option(
      '--heartbeat <seconds>',
      'how long a stream of events may be silent',
      positiveSeconds,
      DEFAULT_LIMITS.heartbeatMs / 1000,
    )
    .option(
      '--keepalive <seconds>',
      'how often a connection is probed for whether its peer is there',
      positiveSeconds,
      DEFAULT_KEEPALIVE_MS / 1000,
    )
    .option(
      '--keepalive-timeout <seconds>',
      'how long the answer to a probe may take',
      positiveSeconds,
      DEFAULT_KEEPALIVE_TIMEOUT_MS / 1000,
    )
    .option(
      '--grace <seconds>',
      'how long processes have between SIGTERM and SIGKILL at shutdown',
      seconds,
      5,
    )
    .action(serve);
}

async function serve(flags: ServeFlags): Promise<void> {
  const addresses = flags.listen ?? [await privateAddress()];
  for (const address of addresses) assertAllowed(address, flags.auth);
  const { flush, logger } = createLogger(flags.logLevel);
  tuneHeapGrowth();
  // From the start: one that comes while the server starts ends it in order too.
  const signaled = nextSignal();
  const limits: Partial<Limits> = {
    defaultRetentionMs: flags.retention * 1000,
    maxRetentionMs: Math.max(DEFAULT_LIMITS.maxRetentionMs, flags.retention * 1000),
    defaultRetainedBytes: flags.retainedBytes,
    maxRetainedBytes: Math.max(flags.maxRetainedBytes, flags.retainedBytes),
    outputMemoryBytes: flags.outputMemory,
    outputDiskBytes: flags.outputDisk,
    maxSessions: flags.maxSessions,
    maxProcesses: flags.maxProcesses,
    heartbeatMs: flags.heartbeat * 1000,
    ...ttlLimits(flags),
  };
  const stateFolder =
    flags.outputDisk === 0
      ? undefined
      : await usableStateFolder(flags.stateDir, process.env, logger);
  const server = await startServer({
    addresses,
    logger,
    limits,
    launcher: createLauncher(flags.launcher),
    keepaliveMs: flags.keepalive * 1000,
    keepaliveTimeoutMs: flags.keepaliveTimeout * 1000,
    shutdownGraceMs: flags.grace * 1000,
    ...(flags.cwd === undefined ? {} : { cwd: flags.cwd }),
    ...(stateFolder === undefined ? {} : { stateFolder }),
  });
  for (const address of server.addresses) {
    process.stdout.write(`runlet listening on ${formatAddress(address)}\n`);
  }
  const signal = await signaled;
  logger.info({ signal }, 'signal');
  await server.shutdown();
  await flush();
  process.exit(0);
}

/** The range of `detached_ttl`, which the default must lie in. */
function ttlLimits(flags: ServeFlags): Partial<Limits> {
  const { detachedTtl, maxDetachedTtl, minDetachedTtl } = flags;
  if (minDetachedTtl > detachedTtl || detachedTtl > maxDetachedTtl) {
    throw new Error('--detached-ttl must lie between --min-detached-ttl and --max-detached-ttl');
  }
  return {
    minDetachedTtlMs: minDetachedTtl * 1000,
    defaultDetachedTtlMs: detachedTtl * 1000,
    maxDetachedTtlMs: maxDetachedTtl * 1000,
  };
}

/** The default address, in a folder that is this user's alone. */
async function privateAddress(): Promise<Address> {
  const address = defaultAddress(process.env);
  await ensurePrivateFolder(dirname(address.path));
  return address;
}

/** TCP is never open by accident: it has to be said who is let in. */
function assertAllowed(address: Address, auth: ServeFlags['auth']): void {
  if (address.kind === 'unix') return;
  const text = formatAddress(address);
  if (auth === undefined) throw new Error(`--listen ${text} needs --auth`);
  if (!isLoopback(address)) {
    throw new Error(`--auth none is refused on ${text}: it is not a loopback address`);
  }
}

/** A second signal, while the server shuts down, ends it at once, as signals do by default. */
function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      process.removeListener('SIGTERM', onSignal);
      process.removeListener('SIGINT', onSignal);
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

function collectAddress(text: string, earlier: readonly Address[] = []): readonly Address[] {
  try {
    return [...earlier, parseAddress(text)];
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function absolutePath(text: string): string {
  if (!isAbsolute(text)) throw new InvalidArgumentError('It is not an absolute path.');
  return text;
}

function positive(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError('It must be more than 0.');
  return value;
}

function wholeNumber(text: string): number {
  const value = text === '' ? Number.NaN : Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('It is not a whole number.');
  }
  return value;
}

function seconds(text: string): number {
  const value = text === '' ? Number.NaN : Number(text);
  // What a timer of Node.js can wait: 2^31 - 1 ms.
  if (!(value >= 0 && value <= 2_147_483)) {
    throw new InvalidArgumentError('It is not a number of seconds from 0 to 2147483.');
  }
  return value;
}

function positiveSeconds(text: string): number {
  const value = seconds(text);
  if (value === 0) throw new InvalidArgumentError('It must be more than 0.');
  return value;
}
