import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { formatAddress } from '../../src/address.ts';
import { connect, OptionError } from '../../src/client/index.ts';
import { errorOf } from '../support/client.ts';
import { serveHere, temporaryFolder } from '../support/harness.ts';

/** Where nothing is named, and no server was started. */
async function nobodyHere(): Promise<string> {
  const runtime = await temporaryFolder();
  vi.stubEnv('RUNLET_ADDRESS', '');
  vi.stubEnv('XDG_RUNTIME_DIR', runtime);
  return join(runtime, 'runlet');
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a client without an address', () => {
  it('is one of the server that the environment names', async () => {
    const { address } = await serveHere();
    vi.stubEnv('RUNLET_ADDRESS', formatAddress(address));
    const client = connect();
    onTestFinished(() => client.close());
    expect((await client.info()).version).toBeDefined();
  });

  it('is one of the server of this user otherwise', async () => {
    const folder = await nobodyHere();
    await mkdir(folder, { mode: 0o700 });
    await serveHere({ path: join(folder, 'runlet.sock') });
    const client = connect();
    onTestFinished(() => client.close());
    expect((await client.info()).version).toBeDefined();
  });

  it('says that there is no server, once one is needed', async () => {
    await nobodyHere();
    const client = connect(undefined, { connectTimeoutMs: 0 });
    expect(await errorOf(client.info())).toMatchObject({ code: 'UNREACHABLE' });
  });

  it('uses no folder that somebody else could have put a server into', async () => {
    const folder = await nobodyHere();
    await mkdir(folder);
    await chmod(folder, 0o777);
    expect(() => connect()).toThrow(OptionError);
    expect(() => connect()).toThrow(`${folder} can be used by other users`);
  });

  it('refuses what is named but no address', async () => {
    vi.stubEnv('RUNLET_ADDRESS', 'nowhere');
    expect(() => connect()).toThrow('RUNLET_ADDRESS');
  });
});
