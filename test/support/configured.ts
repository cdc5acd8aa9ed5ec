import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished } from 'vitest';
import { spawnCli } from './cli.ts';
import { firstLineOf } from './first-line.ts';
import { type Clients, connectClients, temporaryFolder } from './harness.ts';

/** A line of a log, as far as tests look at it. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly what?: string;
  readonly keys?: readonly string[];
  readonly err?: Readonly<Record<string, unknown>>;
}

/** `runlet serve --config`, as a process of its own without a terminal, and clients of it. */
export interface Configured extends Clients {
  readonly child: ChildProcess;
  readonly folder: string;
  /** The file of the configuration. */
  readonly file: string;
  /** All that it logged so far. */
  readonly log: readonly LogLine[];
  /** Puts another configuration into the place of what is there; an object: with what is always in it. */
  write(config: object | string): Promise<void>;
  /**
   * Sends SIGHUP, and waits until all was read again, or could not be. Resolves with the lines of
   * the log that have come meanwhile.
   */
  hangUp(): Promise<readonly LogLine[]>;
}

/** How one is started. */
export interface ConfiguredOptions {
  readonly flags?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** How many things it reads again. Default: 1, the configuration. */
  readonly reads?: number;
}

/** Starts one that has this in its file, with where it listens and keeps its state. */
export async function serveConfigured(
  first: object,
  { flags = [], reads = 1, variables = {} }: ConfiguredOptions = {},
): Promise<Configured> {
  const folder = await temporaryFolder();
  const file = join(folder, 'serve.yaml');
  const path = join(folder, 'socket');
  const always = { listen: `unix:${path}`, 'state-dir': join(folder, 'state'), grace: 1 };
  const write = async (config: object | string): Promise<void> => {
    const text = typeof config === 'string' ? config : JSON.stringify({ ...always, ...config });
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  await write(first);
  const child = spawnCli(['serve', '--config', file, ...flags], {
    // A hangup ends one that has a terminal.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...variables },
  });
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const log: LogLine[] = [];
  if (child.stderr === null) throw new Error('its standard error is no pipe');
  createInterface(child.stderr).on('line', (line) => void log.push(JSON.parse(line)));
  await firstLineOf(child);
  return {
    ...connectClients({ kind: 'unix', path }),
    child,
    folder,
    file,
    log,
    write,
    async hangUp() {
      const before = log.length;
      const lines = (): readonly LogLine[] => log.slice(before);
      child.kill('SIGHUP');
      await expect
        .poll(() => lines().filter(({ what }) => what !== undefined).length, { interval: 5 })
        .toBe(reads);
      return lines();
    },
  };
}
