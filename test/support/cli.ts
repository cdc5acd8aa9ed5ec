import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The built program. */
export const MAIN = fileURLToPath(new URL('../../bundle/main.js', import.meta.url));

/** What a command did. */
export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Starts the built program, or a copy of it. */
export function spawnCli(
  args: readonly string[],
  options: SpawnOptions = {},
  main = MAIN,
): ChildProcess {
  return spawn(process.execPath, [main, ...args], options);
}

/** Runs another program of this project to its end. */
export function runProgram(
  path: string,
  args: readonly string[],
  stdin: string | Uint8Array = '',
): Promise<CliResult> {
  return feedAndWait(spawn(process.execPath, [path, ...args]), stdin);
}

/** Runs the built program to its end. */
export async function runCli(
  args: readonly string[],
  stdin: string | Uint8Array = '',
  options: SpawnOptions = {},
): Promise<CliResult> {
  return feedAndWait(spawnCli(args, options), stdin);
}

async function feedAndWait(child: ChildProcess, stdin: string | Uint8Array): Promise<CliResult> {
  // A program need not read its stdin.
  child.stdin?.on('error', () => {});
  child.stdin?.end(stdin);
  return resultOf(child);
}

/** What a command that was started does until its end. */
export async function resultOf(child: ChildProcess): Promise<CliResult> {
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const [stdout, stderr] = await Promise.all([drain(child.stdout), drain(child.stderr)]);
  const [code, signal] = await closed;
  return { code, signal, stdout, stderr: stderr.toString() };
}

async function drain(stream: Readable | null): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (stream !== null) for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
