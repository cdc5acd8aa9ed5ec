import { Command, Option } from 'commander';
import { AUTH_KINDS } from '../identity/principal.ts';
import { DEFAULT_KEEPALIVE_MS, DEFAULT_KEEPALIVE_TIMEOUT_MS, DEFAULT_LIMITS } from '../limits.ts';
import { LAUNCHER_NAMES } from '../process/launchers.ts';
import {
  absolutePath,
  bytes,
  collected,
  joined,
  nonEmpty,
  positive,
  positiveBytes,
  positiveSeconds,
  seconds,
  socketMode,
  wholeNumber,
} from './arguments.ts';
import { addExamples } from './examples.ts';
import { addHelpAll } from './help-all.ts';
import { addJwtOptions, JWT_FLAGS } from './jwt-options.ts';
import { authKind, listenSpec } from './listen-spec.ts';
import { inheritedVariables } from './own-bytes.ts';
import { hideOwnVariables } from './own-variables.ts';
import { AUDIT_FLAGS, addAuditOptions } from './serve-audit-options.ts';
import { addCommandOptions } from './serve-command-options.ts';
import { findServeConfig, readServeConfig, recordFlags } from './serve-config.ts';
import { MORE_SERVE_EXAMPLES, SERVE_EXAMPLES } from './serve-examples.ts';
import type { ServeFlags } from './serve-flags.ts';
import { addMetricsOptions, METRICS_FLAGS } from './serve-metrics-options.ts';
import { addNetworkOptions, NETWORK_FLAGS } from './serve-network-options.ts';
import { addPrincipalOptions, PRINCIPAL_FLAGS } from './serve-principals.ts';
import { addReadinessOptions, READINESS_FLAGS } from './serve-readiness-options.ts';
import { addSandboxOptions, SANDBOX_FLAGS } from './serve-sandbox-options.ts';
import { addTlsOptions, CLIENT_FLAGS, TLS_FLAGS } from './tls-options.ts';

/** Those that its help shows where all is asked for. */
const SELDOM_FLAGS = [
  '--allow-uid',
  '--allow-insecure',
  ...TLS_FLAGS,
  ...CLIENT_FLAGS,
  '--socket-mode',
  '--launcher',
  '--cwd',
  '--detached-ttl',
  '--policy',
  '--file-root',
  '--max-retained-bytes',
  '--output-memory',
  '--min-detached-ttl',
  '--max-detached-ttl',
  '--heartbeat',
  '--keepalive',
  '--keepalive-timeout',
  ...JWT_FLAGS,
  ...PRINCIPAL_FLAGS,
  ...READINESS_FLAGS,
  ...SANDBOX_FLAGS,
  ...NETWORK_FLAGS,
  ...AUDIT_FLAGS,
  ...METRICS_FLAGS,
];

/** What its help says what some flags are about. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Who is let in:': ['--auth', '--allow-uid', '--allow-insecure', ...CLIENT_FLAGS],
  'TLS:': TLS_FLAGS,
  'Output:': [
    '--retention',
    '--retained-bytes',
    '--max-retained-bytes',
    '--output-memory',
    '--output-disk',
    '--state-dir',
  ],
  'Sessions and processes:': [
    '--cwd',
    '--file-root',
    '--launcher',
    '--max-sessions',
    '--max-processes',
    '--detached-ttl',
    '--min-detached-ttl',
    '--max-detached-ttl',
    '--grace',
  ],
  'Readiness and shutdown:': READINESS_FLAGS,
  'Each caller:': PRINCIPAL_FLAGS,
  'Sandboxes:': SANDBOX_FLAGS,
  'The network:': NETWORK_FLAGS,
  'The audit:': AUDIT_FLAGS,
  'Connections:': ['--socket-mode', '--heartbeat', '--keepalive', '--keepalive-timeout'],
  'For operators:': METRICS_FLAGS,
  'JWTs:': JWT_FLAGS,
};

/** `runlet serve` */
export function serveCommand(): Command {
  const command = new Command('serve')
    .option(
      '--listen <address>',
      'unix:PATH, HOST:PORT (port 0 picks one) or systemd[:NAME]; may be given again (default: a Unix socket in the runtime folder)',
      collected(listenSpec),
    )
    .addOption(
      new Option(
        '--auth <kinds>',
        'who is let in, one or more (default: peer on Unix sockets, nobody over TCP)',
      )
        .choices(AUTH_KINDS)
        // Several may be given.
        .argParser(joined(authKind)),
    )
    .option(
      '--allow-uid <uid>',
      'a user that --auth peer lets in; may be given again (default: its own)',
      collected(wholeNumber, 'commas'),
    )
    .option(
      '--allow-insecure',
      'let --auth none be open beyond this machine, or tokens be plaintext',
    )
    .option(
      '--token-file <path>',
      'the public keys of the tokens that --auth token lets in (default: none)',
      nonEmpty,
    )
    .option(
      '--policy <file>',
      'what callers may start, and as whom; read again when it changes (default: anything)',
    )
    .option(
      '--socket-mode <mode>',
      'the mode of Unix sockets, in octal: with 0666 users that --allow-uid names can open them (default: 0600)',
      socketMode,
    )
    .addOption(
      new Option(
        '--launcher <name>',
        'how processes are started (default: the best that the machine offers)',
      ).choices(LAUNCHER_NAMES),
    )
    .option(
      '--cwd <path>',
      'the working directory of processes that name none (default: its own)',
      absolutePath,
    )
    .option(
      '--file-root <path>',
      'a folder that FileService is confined to; may be given again (default: it is not)',
      collected(absolutePath),
    )
    .addOption(
      new Option('--log-level <level>', 'the least severe lines to log')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .option(
      '--retention <duration>',
      'how long a closed process can be read by default',
      seconds,
      DEFAULT_LIMITS.defaultRetentionMs / 1000,
    )
    .option(
      '--retained-bytes <size>',
      'how much output of a process is retained by default',
      positiveBytes,
      DEFAULT_LIMITS.defaultRetainedBytes,
    )
    .option(
      '--max-retained-bytes <size>',
      'how much of it a client may ask for',
      positiveBytes,
      DEFAULT_LIMITS.maxRetainedBytes,
    )
    .option(
      '--output-memory <size>',
      'how much retained output of all processes is in memory',
      positiveBytes,
      DEFAULT_LIMITS.outputMemoryBytes,
    )
    .option(
      '--output-disk <size>',
      'how much of it is in files; 0: none',
      bytes,
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
      '--detached-ttl <duration>',
      'how long a session lives by default after the last call that named it',
      positiveSeconds,
      DEFAULT_LIMITS.defaultDetachedTtlMs / 1000,
    )
    .option(
      '--min-detached-ttl <duration>',
      'the shortest such time that a client may ask for',
      seconds,
      DEFAULT_LIMITS.minDetachedTtlMs / 1000,
    )
    .option(
      '--max-detached-ttl <duration>',
      'the longest such time that a client may ask for',
      positiveSeconds,
      DEFAULT_LIMITS.maxDetachedTtlMs / 1000,
    )
    .option(
      '--heartbeat <duration>',
      'how long a stream of events may be silent',
      positiveSeconds,
      DEFAULT_LIMITS.heartbeatMs / 1000,
    )
    .option(
      '--keepalive <duration>',
      'how often a connection is probed for whether its peer is there',
      positiveSeconds,
      DEFAULT_KEEPALIVE_MS / 1000,
    )
    .option(
      '--keepalive-timeout <duration>',
      'how long the answer to a probe may take',
      positiveSeconds,
      DEFAULT_KEEPALIVE_TIMEOUT_MS / 1000,
    )
    .option(
      '--grace <duration>',
      'how long processes have between SIGTERM and SIGKILL at shutdown',
      seconds,
      5,
    );
  addCommandOptions(command);
  command.action(async ({ check, daemon, json, status }: ServeFlags) => {
    const sources = { command, given, env: inheritedVariables() };
    if (status === true || (json === true && check !== true)) {
      const { printStatus } = await import('./serve-status.ts');
      return printStatus((await readServeConfig(sources)).flags);
    }
    if (check === true) {
      const { printCheck } = await import('./serve-check.ts');
      return printCheck(await findServeConfig(sources), json === true);
    }
    if (daemon === true) {
      const { serveInBackground } = await import('./serve-daemon.ts');
      return serveInBackground((await readServeConfig(sources)).flags);
    }
    hideOwnVariables();
    const config = await readServeConfig(sources);
    // Other commands need no server, and start sooner without the code of one.
    const { serve } = await import('./serving.ts');
    return serve(config, () => readServeConfig(sources));
  });
  addJwtOptions(command);
  addTlsOptions(command);
  addReadinessOptions(command);
  addPrincipalOptions(command);
  addSandboxOptions(command);
  addNetworkOptions(command);
  addAuditOptions(command);
  addMetricsOptions(command);
  const given = recordFlags(command);
  addHelpAll(command, SELDOM_FLAGS);
  for (const option of command.options) {
    const [heading] =
      Object.entries(GROUPS).find(([, flags]) => flags.includes(option.long ?? '')) ?? [];
    if (heading !== undefined) option.helpGroup(heading);
  }
  return addExamples(command, SERVE_EXAMPLES, MORE_SERVE_EXAMPLES);
}
