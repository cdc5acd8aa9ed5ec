import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Address, parseAddress } from '../../src/address.ts';
import { firstLineOf } from './first-line.ts';
import { LAUNCHER, temporaryFolder } from './harness.ts';
import { MAIN } from './served.ts';

/** A server as a service manager starts it. */
export interface Service {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly address: Address;
  /** What it has logged so far, a line each. */
  readonly log: readonly Record<string, unknown>[];
  /** Has it end by SIGTERM; returns its exit code. */
  end(): Promise<number | null>;
}

/** How {@link startService} starts it. */
export interface ServiceOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly flags?: readonly string[];
  /** What the shell does before it becomes the server. */
  readonly line?: string;
  /** What is loaded into the server. */
  readonly code?: string;
}

/** The flags without which a server would use what is the user's. */
export async function serviceFlags(): Promise<readonly string[]> {
  const launcher = LAUNCHER === undefined ? [] : ['--launcher', LAUNCHER];
  return ['--state-dir', join(await temporaryFolder(), 'state'), '--grace', '0', ...launcher];
}

/** Starts the built program on a Unix socket; it ends when the test is over. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const { code, env = {}, flags = [], line = ':' } = options;
  const listen = ['--listen', `unix:${join(await temporaryFolder(), 'socket')}`];
  const args = ['serve', ...listen, ...(await serviceFlags()), ...flags];
  const loaded = code === undefined ? [] : ['--import', `data:text/javascript,${encodeURI(code)}`];
  // By its first lines, which are a shell's, unless something is loaded into it.
  const argv = code === undefined ? [MAIN, ...args] : [process.execPath, ...loaded, MAIN, ...args];
  const child = spawn('/bin/sh', ['-c', `${line}; exec "$@"`, 'sh', ...argv], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Without the terminal that the tests may have: SIGHUP reloads then.
    detached: true,
  });
  const log = logOf(child);
  endsWithTest(child);
  const said = await firstLineOf(child);
  const address = parseAddress(said.replace('runlet listening on ', ''));
  return {
    child,
    pid: child.pid ?? 0,
    address,
    log,
    async end() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const [exitCode] = (await exited) as [number | null];
      return exitCode;
    },
  };
}

/** The lines of JSON that a server writes to standard error; others are under `text`. */
export function logOf(child: ChildProcess): readonly Record<string, unknown>[] {
  const log: Record<string, unknown>[] = [];
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      log.push(
        line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : { text: line },
      );
    }
  });
  return log;
}

/** Ends a server when the test is over, also one that is stopped. */
export function endsWithTest(child: ChildProcess): void {
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    child.kill('SIGCONT');
    await exited;
  });
}

/** The state of a process as proc_pid_stat(5) has it: `T` is stopped. */
export function stateOf(pid: number): string {
  return /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? '';
}
