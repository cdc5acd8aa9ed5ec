import { readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { OptionError, SandboxError, type SandboxOptions } from '../../src/client/index.ts';
import type { GetServerInfoResponse } from '../../src/gen/runlet/v1/server_pb.ts';
import { transportSettings } from '../../src/mcp/options.ts';
import { errorOf } from '../support/client.ts';
import { startGate } from '../support/gate.ts';
import { startHarness, temporaryFolder } from '../support/harness.ts';
import { makeRig, STDIO_SERVER, startRig } from '../support/mcp.ts';

/** What the server of the tests needs to run, and one folder. */
async function sandboxWith(folder: string): Promise<SandboxOptions> {
  const [node = '', script = ''] = STDIO_SERVER;
  return {
    rules: [
      { place: 'platform', access: 'read' },
      { path: dirname(await realpath(node)), access: 'read' },
      { path: dirname(node), access: 'read' },
      { path: script, access: 'read' },
      { path: folder, access: 'write' },
    ],
  };
}

describe('an MCP server in a sandbox', () => {
  it('writes where it may, and is refused elsewhere', async () => {
    const [inside, outside] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(outside, 'secret'), 'nobody knows');
    const rig = await startRig({ sandbox: await sandboxWith(inside) });
    expect(rig.transport.process?.sandbox).toBe('bubblewrap');
    await rig.ask('write', { path: join(inside, 'made'), text: 'by it' }, 'in');
    expect(await rig.result('in')).toEqual({ error: null });
    await rig.ask('write', { path: join(outside, 'made'), text: 'by it' }, 'out');
    expect(await rig.result('out')).toEqual({ error: expect.stringMatching(/^E(?:NOENT|ROFS)$/) });
    await rig.ask('write', { path: join(outside, 'secret'), text: 'by it' }, 'over');
    expect(await rig.result('over')).toEqual({ error: expect.stringMatching(/^E(?:NOENT|ROFS)$/) });
    // What happened, whatever it says.
    expect(await readFile(join(inside, 'made'), 'utf8')).toBe('by it');
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('nobody knows');
    expect(await errorOf(readFile(join(outside, 'made')))).toMatchObject({ code: 'ENOENT' });
    await rig.transport.close();
  });

  it('is not run by a runlet server that would leave the sandbox out', async () => {
    const harness = await startHarness();
    const gate = await startGate(harness.address, () => undefined, {
      onAnswer(answer) {
        delete (answer as Partial<GetServerInfoResponse>).capabilities?.sandbox;
      },
    });
    const folder = await temporaryFolder();
    const sandbox = await sandboxWith(folder);
    const rig = makeRig({ address: formatAddress(gate.address), sandbox });
    expect(await errorOf(rig.transport.start())).toBeInstanceOf(SandboxError);
    expect(rig.calls).toEqual(['close']);
    const { sessions } = await harness.sessions.listSessions({});
    expect(sessions.map(({ sessionId }) => sessionId)).toEqual([harness.sessionId]);
  });

  it('is refused by the name of what is wrong with its rules, when the transport is made', () => {
    const rules = [{ path: 'here', access: 'read' as const }];
    const make = (): unknown =>
      transportSettings({ argv: ['server'], address: '127.0.0.1:1', sandbox: { rules } });
    expect(make).toThrow(OptionError);
    expect(make).toThrow('sandbox.rules[0].path');
  });
});
