import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connectClients, temporaryFolder } from '../support/harness.ts';
import { isAlive } from '../support/pids.ts';
import { serve } from '../support/served.ts';

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
