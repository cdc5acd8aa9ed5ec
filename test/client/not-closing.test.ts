import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { certify, makeAuthority } from '../support/certificates.ts';
import { runProgram } from '../support/cli.ts';
import { startGate } from '../support/gate.ts';
import { type Harness, startHarness } from '../support/harness.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/not-closing.mjs', import.meta.url));

/** Lets a process of each session with the label go on, once it is there. */
async function letGoOn({ processes, sessions }: Harness, count: number): Promise<void> {
  const waiting = async () => {
    const listed = await sessions.listSessions({});
    const asked = listed.sessions.filter(({ labels }) => labels['goes'] === 'on');
    const lists = asked.map(({ sessionId }) => processes.listProcesses({ sessionId }));
    return (await Promise.all(lists)).flatMap(({ processes: started }) => started);
  };
  await expect.poll(waiting).toHaveLength(count);
  for (const { processId, sessionId } of await waiting()) {
    await processes.writeStdin({ sessionId, processId, data: Buffer.from('go\n') });
  }
}

async function run(address: string, ca: string, ...ways: readonly string[]): Promise<unknown> {
  const { code, stderr, stdout } = await runProgram(PROGRAM, [address, ca, ...ways]);
  return { code, stderr, said: stdout.toString().split('\n') };
}

describe('a program that closes nothing', () => {
  it('waits for what it waits for, and ends by itself when that is over', async () => {
    const harness = await startHarness();
    const { address, sessions } = harness;
    const ways = ['session', 'run', 'closed', 'output', 'some'];
    const said =
      '{"session":"left","run":"hello","closed":7,"output":"here\\ngo","some":"started"}';
    const [result] = await Promise.all([
      run(formatAddress(address), '', ...ways),
      letGoOn(harness, 2),
    ]);
    expect(result).toEqual({ code: 0, stderr: '', said: [said, 'ended 0', ''] });
    // It has left its sessions, as by `detach`.
    const attached = async () => {
      const listed = await sessions.listSessions({});
      return listed.sessions.filter((session) => session.attached).length;
    };
    await expect.poll(attached).toBe(0);
  });

  it('does so over TLS', async () => {
    const { address, folder } = await startHarness();
    const authority = await makeAuthority('authority');
    const server = await certify('server', authority);
    const gate = await startGate(address, () => undefined, {
      credentials: ServerCredentials.createSsl(null, [
        { private_key: server.key, cert_chain: server.certificate },
      ]),
    });
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, authority.certificate);
    expect(await run(formatAddress(gate.address), ca, 'session', 'run')).toEqual({
      code: 0,
      stderr: '',
      said: ['{"session":"left","run":"hello"}', 'ended 0', ''],
    });
  });
});
