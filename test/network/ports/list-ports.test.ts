import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../../src/bridge/create-client.ts';
import { TunnelService } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { failureOf } from '../../support/failure.ts';
import { LAUNCHER, startHarness } from '../../support/harness.ts';
import { hasBwrap } from '../../support/needed-tools.ts';
import { OWN_NETWORK, startListening } from '../../support/tunnels.ts';

/** Listens in a child of a child, that has a session of its own, and says where. */
const GRANDCHILD = `
const script = "const s = require('net').createServer(); s.listen(0, '127.0.0.1', () => console.log(s.address().port))";
require('child_process').spawn(process.execPath, ['-e', script], { stdio: 'inherit', detached: true });
`;

/** Listens at all addresses and at one of IPv6, and is connected to itself. */
const SEVERAL = `
const { createServer, connect } = require('net');
const one = createServer().listen(0, '0.0.0.0', () => {
  const two = createServer().listen(one.address().port, '::1', () => {
    connect(one.address().port, '127.0.0.1', () => console.log(one.address().port));
  });
});
`;

describe('the ports of a session', () => {
  it('are those of its processes and of what came of them', async () => {
    const harness = await startHarness();
    const { connection, sessionId, sessions } = harness;
    const tunnels = createClient(TunnelService, connection);
    const elsewhere = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void elsewhere.close());
    const first = await startListening(harness, GRANDCHILD);
    const second = await startListening(harness, SEVERAL);
    const { ports, truncated } = await tunnels.listPorts({ sessionId });
    expect(truncated).toBe(false);
    const shown = ports.map(({ host, ownNetwork, port, processId }) => ({
      host,
      ownNetwork,
      port,
      processId,
    }));
    expect(shown).toEqual([
      { host: '127.0.0.1', ownNetwork: false, ...first },
      { host: '0.0.0.0', ownNetwork: false, ...second },
      { host: '::1', ownNetwork: false, ...second },
    ]);
    const only = await tunnels.listPorts({ sessionId, processId: second.processId });
    expect(only.ports).toEqual(ports.slice(1));
    const { session } = await sessions.createSession({});
    expect((await tunnels.listPorts({ sessionId: session?.sessionId ?? '' })).ports).toEqual([]);
    const unknown = await failureOf(tunnels.listPorts({ sessionId, processId: 'unknown' }));
    expect(unknown.summary).toBe('NOT_FOUND/PROCESS_NOT_FOUND');
  });

  it.skipIf(LAUNCHER === 'child_process' || !hasBwrap())(
    'are found in networks of their own',
    async () => {
      const harness = await startHarness();
      const { connection, sessionId } = harness;
      const found = await startListening(harness, GRANDCHILD, OWN_NETWORK);
      const { ports } = await createClient(TunnelService, connection).listPorts({ sessionId });
      expect(ports).toMatchObject([{ host: '127.0.0.1', ownNetwork: true, ...found }]);
    },
  );
});
