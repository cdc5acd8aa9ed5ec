import { type Command, InvalidArgumentError, Option } from 'commander';
import { DRAIN_MODES, type DrainMode } from '../server/drain.ts';
import type { HighWater } from '../server/high-water.ts';
import { positive, positiveBytes, seconds } from './arguments.ts';
import type { Example } from './examples.ts';
import { UsageError } from './usage-error.ts';

/** The flags of `runlet serve` that say when new work is to go elsewhere, and how it ends. */
export interface ReadinessServeFlags {
  readonly highWater?: HighWater;
  readonly drain: DrainMode;
  /** In seconds. */
  readonly drainTimeout: number;
}

/** Their names. */
export const READINESS_FLAGS: readonly string[] = ['--high-water', '--drain', '--drain-timeout'];

/** An example with all of them. */
export const READINESS_EXAMPLE: Example = {
  command: 'runlet serve --high-water sessions=500,memory=2GiB --drain wait --drain-timeout 10m',
  does: 'Say that new work is to go elsewhere from 500 sessions on, and let sessions end before it does',
  code: null,
  prints: /^runlet listening on unix:/,
};

/** Adds them. */
export function addReadinessOptions(command: Command): Command {
  return command
    .option(
      '--high-water <marks>',
      'from where on health says that new work is to go elsewhere: sessions=N, memory=SIZE, or both with a comma (default: never)',
      highWater,
    )
    .addOption(
      new Option(
        '--drain <mode>',
        'what becomes of processes at shutdown while --drain-timeout is not over',
      )
        .choices(DRAIN_MODES)
        .default('terminate'),
    )
    .option(
      '--drain-timeout <duration>',
      'how long sessions may go on at shutdown, with nothing new begun',
      seconds,
      0,
    );
}

const MARKS = 'it is sessions=N, memory=SIZE, or both with a comma';

/** `sessions=500,memory=2GiB`. */
function highWater(text: string): HighWater {
  const marks: { sessions?: number; memoryBytes?: number } = {};
  for (const part of text.split(',')) {
    const [name, value = '', ...more] = part.split('=');
    if (more.length > 0) throw new InvalidArgumentError(MARKS);
    if (name === 'sessions' && marks.sessions === undefined) marks.sessions = positive(value);
    else if (name === 'memory' && marks.memoryBytes === undefined) {
      marks.memoryBytes = positiveBytes(value);
    } else throw new InvalidArgumentError(MARKS);
  }
  return marks;
}

/** @throws UsageError where they make no sense, or would have calls be refused first. */
export function checkReadiness(
  flags: ReadinessServeFlags & { readonly maxSessions: number },
): void {
  const { drain, drainTimeout, highWater: marks, maxSessions } = flags;
  if (drain === 'wait' && drainTimeout === 0) {
    throw new UsageError('--drain wait needs --drain-timeout');
  }
  if (marks?.sessions !== undefined && marks.sessions > maxSessions) {
    throw new UsageError('sessions of --high-water must not be more than --max-sessions');
  }
}
