import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { type Address, formatAddress } from '../../src/address.ts';
import { type CliResult, runCli, spawnCli } from './cli.ts';
import { temporaryFolder } from './harness.ts';

/** Somebody who uses the built program, with a state folder of his own. */
export interface CliUser {
  readonly env: NodeJS.ProcessEnv;
  /** A folder of his, in which his state folder is. */
  readonly folder: string;
  /** Runs a command to its end. */
  run(args: readonly string[], stdin?: string | Uint8Array): Promise<CliResult>;
  /** Runs one that has to succeed, and returns what it printed. */
  print(...args: readonly string[]): Promise<string>;
  /** Starts a process; returns the ids that were printed. */
  start(...args: readonly string[]): Promise<StartedIds>;
  spawn(args: readonly string[], options?: SpawnOptions): ChildProcess;
}

/** What `runlet start --json` prints. */
export interface StartedIds {
  readonly session: string;
  readonly process: string;
  readonly pid: number;
  readonly address: string;
}

/** A user whose server is at an address. */
export async function cliUser(address: Address): Promise<CliUser> {
  const folder = await temporaryFolder();
  const env = {
    ...process.env,
    XDG_STATE_HOME: folder,
    XDG_RUNTIME_DIR: folder,
    RUNLET_ADDRESS: formatAddress(address),
  };
  const user: CliUser = {
    env,
    folder,
    run: (args, stdin = '') => runCli(args, stdin, { env }),
    async print(...args) {
      const { code, stderr, stdout } = await user.run(args);
      if (code !== 0) throw new Error(`runlet ${args.join(' ')}: exit code ${code}: ${stderr}`);
      return stdout.toString();
    },
    start: async (...args) =>
      JSON.parse(await user.print('start', '--json', ...args)) as StartedIds,
    spawn: (args, options = {}) => spawnCli(args, { env, ...options }),
  };
  return user;
}

/** The lines of JSON that a command printed. */
export function jsonLines(text: string): readonly Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
