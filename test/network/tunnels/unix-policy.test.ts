import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../../src/bridge/create-client.ts';
import { type TunnelOpenSchema, TunnelService } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { LivePolicy } from '../../../src/policy/live-policy.ts';
import { parsePolicy } from '../../../src/policy/parse-policy.ts';
import { failureOf } from '../../support/failure.ts';
import { connectClients, serveHere, temporaryFolder } from '../../support/harness.ts';
import { as, namedCallers } from '../../support/named-callers.ts';
import { startPeer } from '../../support/tunnels.ts';

/** A server with a policy of `ci`, and what `ci` opens there. */
async function policed(rules: string) {
  const live = new LivePolicy(parsePolicy(`principals: [{ match: 'token:ci', ${rules} }]`));
  const folder = await temporaryFolder();
  const address = { kind: 'unix', path: join(folder, 'runlet.sock') } as const;
  const auth = [namedCallers({ ci: {} })];
  await serveHere({ listeners: [{ address, auth }], policy: live });
  const { connection, sessions } = connectClients(address);
  const { session } = await sessions.createSession({}, as('ci'));
  const sessionId = session?.sessionId ?? '';
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  /** Resolves with the other side as soon as it is connected. */
  const open = async (target: MessageInitShape<typeof TunnelOpenSchema>): Promise<string> => {
    async function* requests() {
      yield { request: { case: 'open' as const, value: { sessionId, ...target } } };
      await new Promise<void>((resolve) => {
        abort.signal.addEventListener('abort', () => resolve());
      });
    }
    const options = { ...as('ci'), signal: abort.signal };
    for await (const { response } of createClient(TunnelService, connection).connect(
      requests(),
      options,
    )) {
      if (response.case === 'opened') return response.value.peer;
    }
    throw new Error('it was not opened');
  };
  const path = join(folder, 'peer.sock');
  const peer = await startPeer(path);
  return { open, path, peer, session: sessionId };
}

/** A user that the server is not. */
const OTHER_USER = (process.getuid?.() ?? 0) + 70_000;

describe('sockets of the file system', () => {
  it('are reached by who may touch files', async () => {
    const { open, path, peer } = await policed('grants: [start, observe, tunnel]');
    expect(await open({ unixPath: path })).toBe(path);
    await peer.accept();
  });

  it('are not by who may not be the user of the server, though ports are', async () => {
    const { open, path, peer } = await policed(`users: [${OTHER_USER}]`);
    for (const target of [{ unixPath: path }, { rawUnixPath: Buffer.from(path) }]) {
      const failure = await failureOf(open(target));
      expect(failure.summary).toBe('PERMISSION_DENIED/POLICY_DENIED');
      expect(failure.info?.metadata).toMatchObject({ rule: 'users' });
    }
    // What is not there is denied in the same way: nothing is looked at.
    const gone = await failureOf(open({ unixPath: `${path}.gone` }));
    expect(gone.summary).toBe('PERMISSION_DENIED/POLICY_DENIED');
    const port = await startPeer();
    expect(await open({ host: '127.0.0.1', port: port.port })).toBe(`127.0.0.1:${port.port}`);
    let isReached = false;
    peer.server.on('connection', () => {
      isReached = true;
    });
    await failureOf(open({ unixPath: path }));
    expect(isReached).toBe(false);
  });

  it('are not by who has no grant of connections', async () => {
    const { open, path } = await policed('grants: [start, observe, files]');
    const failure = await failureOf(open({ unixPath: path }));
    expect(failure.summary).toMatch(/^PERMISSION_DENIED/);
  });
});
