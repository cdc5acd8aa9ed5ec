import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Address, parseAddress } from '../../src/address.ts';
import { firstLineOf } from '../support/first-line.ts';
import { MAIN } from '../support/served.ts';

/** A server in a process of its own, which outlives a test. */
export interface Upstream {
  readonly address: Address;
  stop(): Promise<void>;
}

/** In the environment of the server, so that there is something which must not be inherited. */
const SECRETS = { OF_THE_SERVER: '1', A_SECRET_KEY: '1', RUNLET_OF_THE_SERVER: '1', HOME: '/' };

/** Starts the built program, with heartbeats that come soon. */
export async function startUpstream(...flags: readonly string[]): Promise<Upstream> {
  const folder = await mkdtemp(join(tmpdir(), 'runlet-upstream-'));
  const args = ['serve', '--listen', `unix:${join(folder, 'runlet.sock')}`];
  const fixed = ['--log-level', 'error', '--heartbeat', '0.5', '--state-dir', folder];
  const child: ChildProcess = spawn(process.execPath, [MAIN, ...args, ...fixed, ...flags], {
    cwd: folder,
    env: { ...process.env, ...SECRETS },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await firstLineOf(child);
  return {
    address: parseAddress(line.replace('runlet listening on ', '')),
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
