import { describe, expect, it } from 'vitest';
import type { RemoteSession } from '../../src/client/index.ts';
import { connectTo, QUICK } from '../support/client.ts';
import { startHarness } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';
import { startProxy } from '../support/tcp-proxy.ts';

/** What has a connection of its own, which is made when it is first asked for. */
const USES: readonly [name: string, use: (session: RemoteSession, folder: string) => unknown][] = [
  [
    'output',
    async (session) => {
      const process = await session.start({ argv: ['echo', 'came'], env: { PATH } });
      let output = '';
      for await (const chunk of process.stdout) output += String(chunk);
      expect(output).toBe('came\n');
    },
  ],
  [
    'an upload',
    async (session, folder) => {
      await session.files.write(`${folder}/file`, 'came');
      expect((await session.files.stat(`${folder}/file`)).size).toBe(4);
    },
  ],
];

describe('a connection that is taken and never answered', () => {
  it.each(USES)('is made anew for %s, though no silence is noticed', async (_, use) => {
    const harness = await startHarness();
    const proxy = await startProxy(harness.address);
    const client = connectTo(proxy.address, { ...QUICK, attemptTimeoutMs: 300 });
    const session = await client.session();
    // What is attached has its connection. The next one is of what is done now.
    proxy.swallowNext();
    await use(session, harness.folder);
    expect(proxy.swallows()).toBe(false);
    await session.close();
  });
});
