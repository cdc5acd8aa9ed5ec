import { expect, it } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import { TunnelService } from '../../src/gen/runlet/v1/tunnel_pb.ts';
import { parseEgressRule } from '../../src/network/egress/egress-rule.ts';
import { auditOf } from '../support/audit.ts';
import { startHarness } from '../support/harness.ts';
import { sendRequest } from '../support/http-requests.ts';
import { startUpstream } from '../support/https-upstream.ts';
import { connectedTunnel, startPeer } from '../support/tunnels.ts';

it('records requests, connections and listeners, done and denied, without paths and headers', async () => {
  const upstream = await startUpstream((_request, response) => response.end('yes'));
  const peer = await startPeer();
  const harness = await startHarness({ egressDeny: [parseEgressRule('192.0.2.0/24')] });
  const { connection, sessionId } = harness;
  const headers = [{ name: 'authorization', value: Buffer.from('secret') }];
  const origin = `http://127.0.0.1:${upstream.port}`;
  await sendRequest(connection, { sessionId, headers, url: `${origin}/secret?secret` });
  await sendRequest(connection, { sessionId, headers, url: 'http://192.0.2.1/secret' });
  const tunnel = await connectedTunnel(connection, {
    sessionId,
    host: '127.0.0.1',
    port: peer.port,
  });
  const accepted = await peer.accept();
  tunnel.eof();
  accepted.end();
  await tunnel.ended();
  await tunnel.over();
  const listening = createClient(TunnelService, connection).listen({ sessionId, host: '0.0.0.0' });
  await expect(listening[Symbol.asyncIterator]().next()).rejects.toThrow();
  const outcomes = auditOf(harness).map(({ action, detail, outcome, reason }) => [
    action,
    outcome,
    reason,
    detail,
  ]);
  expect(outcomes).toEqual([
    ['Request', 'ok', '', `GET ${origin}`],
    ['Request', 'denied', 'EGRESS_DENIED', expect.stringMatching(/^GET http:\/\/192\.0\.2\.1 .+/)],
    ['Connect', 'ok', '', `127.0.0.1:${peer.port}`],
    ['Listen', 'denied', 'LISTEN_DENIED', '0.0.0.0:0'],
  ]);
  expect(harness.log.join('')).not.toContain('secret');
});
