import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { servePolicy } from '../../src/cli/serve-policy.ts';
import { HttpService } from '../../src/gen/runlet/v1/http_pb.ts';
import { TunnelService } from '../../src/gen/runlet/v1/tunnel_pb.ts';
import { failedCall, nowhere } from '../identity/every-call.ts';
import { auditOf } from '../support/audit.ts';
import { connectClients, serveHere, temporaryFolder } from '../support/harness.ts';
import { as, namedCallers } from '../support/named-callers.ts';

/** In this order: what a request is answered tells that all who connected before it were seen. */
const METHODS = [...TunnelService.methods, ...HttpService.methods];

/** What a policy grants, and how the calls end. */
const GRANTED: readonly (readonly [grants: string, Readonly<Record<string, string>>])[] = [
  [
    'grants: [start, observe]',
    { Connect: 'tunnel', Listen: 'tunnel', ListPorts: '', Request: 'http' },
  ],
  [
    'grants: [start, observe, http]',
    { Connect: 'tunnel', Listen: 'tunnel', ListPorts: '', Request: '' },
  ],
  ['grants: [start, observe, tunnel]', { Connect: '', Listen: '', ListPorts: '', Request: 'http' }],
  ['grants: [start, http, tunnel]', { Connect: '', Listen: '', ListPorts: 'observe', Request: '' }],
  ['terminals: true', { Connect: '', Listen: '', ListPorts: '', Request: '' }],
];

const policyOf = (rules: string): string => `principals: [{ match: 'token:ci', ${rules} }]`;

/** A server of HTTP in the test, and how many have connected to it. */
async function startCounting() {
  let connections = 0;
  const server = createServer((_request, response) => {
    response.setHeader('connection', 'close').end('here');
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, connections: () => connections };
}

describe('the policy in a file', () => {
  it.each(GRANTED)('with %s gives the network, or withholds it', async (rules, ends) => {
    const path = join(await temporaryFolder(), 'policy.yaml');
    await writeFile(path, policyOf(rules));
    const policy = await servePolicy(path, pino({ enabled: false }));
    onTestFinished(() => policy.close());
    const address = { kind: 'unix', path: join(await temporaryFolder(), 'runlet.sock') } as const;
    const auth = [namedCallers({ ci: {} })];
    const served = await serveHere({ listeners: [{ address, auth }], policy: policy.live });
    const { connection, server, sessions } = connectClients(address);
    const { session } = await sessions.createSession({}, as('ci'));
    const { connections, port } = await startCounting();
    const target = { ...nowhere(''), sessionId: session?.sessionId ?? '', port };

    for (const method of METHODS) {
      const { name } = method;
      const missing = ends[name];
      const failure = await failedCall(connection, method, target, as('ci'));
      if (missing === '') {
        expect([name, failure?.summary]).toEqual([name, undefined]);
        continue;
      }
      expect([name, failure?.summary]).toEqual([name, 'PERMISSION_DENIED/POLICY_DENIED']);
      expect(failure?.info?.metadata).toEqual({ rule: 'grants' });
      // Beside it, a call that was given up may be told of late.
      const denied = { action: name, outcome: 'denied', reason: 'POLICY_DENIED' };
      await expect
        .poll(() => auditOf(served))
        .toEqual(expect.arrayContaining([expect.objectContaining(denied)]));
    }
    const { caller } = await server.getServerInfo({}, as('ci'));
    const withheld = new Set(Object.values(ends).filter((grant) => grant !== ''));
    expect(caller?.grants.filter((grant) => withheld.has(grant))).toEqual([]);
    const reached = ['Connect', 'Request'].filter((name) => ends[name] === '').length;
    // Where nothing is answered that tells of it, who has connected is seen when this has.
    await fetch(`http://127.0.0.1:${port}/`);
    expect(connections()).toBe(reached + 1);
  });
});
