import { Command, Option } from 'commander';
import { type Address, parseAddress } from '../address.ts';
import { DEFAULT_KEEPALIVE_MS, DEFAULT_KEEPALIVE_TIMEOUT_MS, DEFAULT_LIMITS } from '../limits.ts';
import { LAUNCHER_NAMES } from '../process/launchers.ts';
import {
  absolutePath,
  addressText,
  bytes,
  positive,
  positiveBytes,
  positiveSeconds,
  seconds,
} from './arguments.ts';
import { addExamples } from './examples.ts';
import { hideOwnVariables } from './own-variables.ts';
import type { ServeFlags } from './serve-flags.ts';

/** `runlet serve` */
export function serveCommand(): Command {
  const command = new Command('serve')
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
    )
    .action(async (flags: ServeFlags) => {
      hideOwnVariables();
      // Other commands need no server, and start sooner without the code of one.
      const { serve } = await import('./serving.ts');
      await serve(flags);
    });
  return addExamples(command, [
    {
      command: 'runlet serve',
      does: 'Serve this user, on a Unix socket',
      code: null,
      prints: /^runlet listening on unix:\/.*\/runlet\.sock\n/,
    },
    {
      command: 'runlet serve --listen 127.0.0.1:0 --auth none --log-level warn',
      does: 'Serve everybody on this machine, on a port that is free',
      code: null,
      prints: /^runlet listening on 127\.0\.0\.1:[1-9]\d*\n/,
    },
  ]);
}

function collectAddress(text: string, earlier: readonly Address[] = []): readonly Address[] {
  return [...earlier, parseAddress(addressText(text))];
}
