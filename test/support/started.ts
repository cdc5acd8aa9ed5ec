import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Address, parseAddress } from '../../src/address.ts';
import { type CliResult, resultOf } from './cli.ts';
import { firstLineOf } from './first-line.ts';
import { temporaryFolder } from './harness.ts';
import { MAIN } from './served.ts';

/** Starts the built program by its file, as a shell does, after commands of that shell. */
export function startAfter(
  commands: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  program = MAIN,
): ChildProcess {
  const script = `${commands}\nexec "$0" "$@"`;
  return spawn('sh', ['-c', script, program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs it to its end. */
export function runAfter(
  commands: string,
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
  program?: string,
): Promise<CliResult> {
  return resultOf(startAfter(commands, args, env, program));
}

/** A server that was started so; it is killed when the test is over. */
export async function serveAfter(
  commands: string,
  ...flags: readonly string[]
): Promise<{ readonly address: Address; readonly child: ChildProcess }> {
  const folder = await temporaryFolder();
  const listen = ['--listen', `unix:${join(folder, 's.sock')}`, '--state-dir', `${folder}/state`];
  const child = startAfter(commands, ['serve', '--log-level', 'error', ...listen, ...flags]);
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    // Signals may be ignored, and what is started here ends by itself.
    child.kill('SIGKILL');
    await exited;
  });
  const line = await firstLineOf(child);
  return { address: parseAddress(line.replace('runlet listening on ', '')), child };
}
