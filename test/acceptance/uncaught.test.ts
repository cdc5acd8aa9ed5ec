import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { isAlive } from '../support/pids.ts';
import { MAIN, PROBE, serve } from '../support/served.ts';

describe('a server in which nobody caught an error', () => {
  it('ends its processes and itself, though a thread of it does not come back', async () => {
    const served = await serve('--log-level', 'silent', '--grace', '0');
    const { processes, sessions } = connectClients(served.address);
    const { session } = await sessions.createSession({});
    const { process: sleeping } = await processes.startProcess({
      sessionId: session?.sessionId ?? '',
      spec: { argv: ['/bin/sleep', '1000'] },
    });
    // Nobody writes to it: who opens it to read waits for ever.
    const fifo = join(await temporaryFolder(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const exited = once(served.child, 'exit');
    served.child.send({ open: fifo });
    served.child.send({ throw: 'an error that nobody catches' });
    expect(await exited).toEqual([125, null]);
    expect(isAlive(Number(sleeping?.pid))).toBe(false);
  });
});

describe('runlet run in which nobody caught an error', () => {
  it('says so, and ends its process and itself', async () => {
    const args = ['run', '--', 'sh', '-c', 'echo $$; exec sleep 1000'];
    const child = fork(MAIN, args, {
      execArgv: ['--import', PROBE],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const ended = once(child, 'exit');
    const [pid] = (await once(child.stdout as Readable, 'data')) as [Buffer];
    let said = '';
    child.stderr?.on('data', (text: Buffer) => {
      said += text.toString();
    });
    child.send({ throw: 'an error that nobody catches' });
    expect(await ended).toEqual([125, null]);
    expect(said).toMatch(/^runlet: a fault of this program: Error: an error that nobody catches\n/);
    expect(isAlive(Number(pid.toString()))).toBe(false);
  });
});
