import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { attach } from '../support/attach.ts';
import { type Clients, connectClients } from '../support/harness.ts';
import { type Served, serve } from '../support/served.ts';

const CLIENT = fileURLToPath(new URL('../support/attach-client.mjs', import.meta.url));

/** Lets a client in a process of its own attach to a session, and freezes it. */
async function freezeAttached(
  served: Served,
  { sessions }: Clients,
): Promise<{ client: ChildProcess; sessionId: string }> {
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  const client = spawn(process.execPath, [CLIENT, formatAddress(served.address), sessionId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(client, 'exit');
  onTestFinished(async () => {
    client.kill('SIGKILL');
    await exited;
  });
  const [event] = (await once(client.stdout ?? client, 'data')) as [Buffer];
  expect(event.toString()).toBe('attached\n');
  client.kill('SIGSTOP');
  return { client, sessionId };
}

describe('a client that is frozen while it is attached', () => {
  it('is noticed by its silence, though its connection stays open', async () => {
    const served = await serve('--keepalive', '0.5', '--keepalive-timeout', '0.5');
    const clients = connectClients(served.address);
    const { sessionId } = await freezeAttached(served, clients);
    const attached = async (): Promise<boolean | undefined> =>
      (await clients.sessions.getSession({ sessionId })).session?.attached;
    await expect.poll(attached).toBe(false);
  });

  it('can be taken over from before that', async () => {
    // It will not be noticed in the time of this test.
    const served = await serve('--keepalive', '1000', '--keepalive-timeout', '1000');
    const clients = connectClients(served.address);
    const { sessionId } = await freezeAttached(served, clients);
    const second = await attach(clients, sessionId);
    await clients.processes.listProcesses({ sessionId, attachmentId: second.attachmentId });
  });
});
