import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import type { RemoteSession } from '../../src/client/index.ts';
import { connectTo, QUICK } from '../support/client.ts';
import { startHarness } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';

interface Gate {
  readonly address: Address;
  /** The next connections lead nowhere: they are taken, and nothing comes. */
  silent: boolean;
  /** How many led nowhere. */
  swallowed: number;
}

/** A way to a server which may swallow connections. */
async function startGate(target: Address): Promise<Gate> {
  if (target.kind !== 'unix') throw new Error('the gate leads to a Unix socket');
  const sockets = new Set<Socket>();
  const server = createServer((inner) => {
    sockets.add(inner.on('error', () => {}));
    if (gate.silent) {
      // The one after this comes through.
      gate.silent = false;
      gate.swallowed += 1;
      return;
    }
    const outer = connect({ path: target.path });
    sockets.add(outer.on('error', () => {}));
    inner.pipe(outer).pipe(inner);
    inner.once('close', () => outer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const gate: Gate = {
    address: { kind: 'tcp', host: '127.0.0.1', port },
    silent: false,
    swallowed: 0,
  };
  return gate;
}

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
    const gate = await startGate(harness.address);
    const client = connectTo(gate.address, { ...QUICK, attemptTimeoutMs: 300 });
    const session = await client.session();
    // What is attached has its connection. The next one is of what is done now.
    gate.silent = true;
    await use(session, harness.folder);
    expect(gate.swallowed).toBe(1);
    await session.close();
  });
});
