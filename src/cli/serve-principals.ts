import type { Command } from 'commander';
import { type Limits, SHARED_STARTS_PER_SECOND } from '../limits.ts';
import { bytes, positive, positiveBytes, wholeNumber } from './arguments.ts';
import type { Example } from './examples.ts';

/** The flags of `runlet serve` that say what one caller may have. */
export interface PrincipalFlags {
  readonly maxPrincipalSessions?: number;
  readonly maxPrincipalProcesses?: number;
  readonly maxPrincipalStreams?: number;
  readonly maxPrincipalStarts?: number;
  readonly principalOutputMemory?: number;
  readonly principalOutputDisk?: number;
}

/** Their names. */
export const PRINCIPAL_FLAGS: readonly string[] = [
  '--max-principal-sessions',
  '--max-principal-processes',
  '--max-principal-streams',
  '--max-principal-starts',
  '--principal-output-memory',
  '--principal-output-disk',
];

/** An example with all of them. */
export const PRINCIPAL_EXAMPLE: Example = {
  command:
    'runlet serve --max-principal-sessions 50 --max-principal-processes 500 --max-principal-streams 1000 --max-principal-starts 20 --principal-output-memory 32MiB --principal-output-disk 1GiB',
  does: 'Bound what each caller can have',
  code: null,
  prints: /^runlet listening on unix:/,
};

/** Adds them. */
export function addPrincipalOptions(command: Command): Command {
  return command
    .option(
      '--max-principal-sessions <count>',
      'sessions of one caller (default: half of all, or all where there is only one caller)',
      positive,
    )
    .option(
      '--max-principal-processes <count>',
      'processes of one caller, retained ones included (default: as for sessions)',
      positive,
    )
    .option(
      '--max-principal-streams <count>',
      'calls of one caller that are under way (default: 10000, or 20000 for the only one)',
      positive,
    )
    .option(
      '--max-principal-starts <count>',
      `starts a second of one caller; 0: any number (default: ${SHARED_STARTS_PER_SECOND}, or 0 for the only one)`,
      wholeNumber,
    )
    .option(
      '--principal-output-memory <size>',
      'how much of --output-memory one caller may use (default: as for sessions)',
      positiveBytes,
    )
    .option(
      '--principal-output-disk <size>',
      'how much of --output-disk one caller may use (default: as for sessions)',
      bytes,
    );
}

/** What they set of the limits. */
export function principalLimitsOf(flags: PrincipalFlags): Partial<Limits> {
  const limits = {
    maxPrincipalSessions: flags.maxPrincipalSessions,
    maxPrincipalProcesses: flags.maxPrincipalProcesses,
    maxPrincipalStreams: flags.maxPrincipalStreams,
    maxPrincipalStartsPerSecond: flags.maxPrincipalStarts,
    principalOutputMemoryBytes: flags.principalOutputMemory,
    principalOutputDiskBytes: flags.principalOutputDisk,
  };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
