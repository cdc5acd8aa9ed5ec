import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TunnelStage } from '../../../src/gen/runlet/v1/error_pb.ts';
import { TunnelEnd } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { failureOf } from '../../support/failure.ts';
import { startHarness, temporaryFolder } from '../../support/harness.ts';
import {
  connectedTunnel,
  endOf,
  openTunnel,
  startPeer,
  tunnelFailureOf,
} from '../../support/tunnels.ts';

describe('a tunnel to a socket of the file system', () => {
  it('carries bytes both ways, to the end of each', async () => {
    const { connection, folder, sessionId } = await startHarness();
    const path = join(folder, 'peer.sock');
    const peer = await startPeer(path);
    for (const open of [{ unixPath: path }, { rawUnixPath: Buffer.from(path) }]) {
      const tunnel = await connectedTunnel(connection, { sessionId, ...open });
      expect(tunnel.peer).toBe(path);
      const socket = await peer.accept();
      await tunnel.write('question');
      tunnel.eof();
      expect((await endOf(socket)).bytes.toString()).toBe('question');
      socket.end('answer');
      expect((await tunnel.read()).toString()).toBe('answer');
      expect(await tunnel.expect('end')).toMatchObject({
        kind: TunnelEnd.CLOSED,
        sentBytes: 8n,
        receivedBytes: 6n,
      });
    }
  });

  it('leads to no file, and to nothing that is not there', async () => {
    const { connection, folder, sessionId } = await startHarness();
    const path = join(folder, 'file');
    await writeFile(path, '');
    for (const [unixPath, errnoName] of [
      [path, 'ECONNREFUSED'],
      [join(folder, 'gone'), 'ENOENT'],
    ] as const) {
      const failure = await failureOf(openTunnel(connection, { sessionId, unixPath }).over());
      expect(failure.summary).toBe('UNAVAILABLE/TUNNEL_FAILED');
      expect(tunnelFailureOf(failure)).toMatchObject({
        stage: TunnelStage.CONNECT,
        errnoName,
        target: unixPath,
      });
    }
  });

  it('is confined to the folders of files', async () => {
    const root = await temporaryFolder();
    const outside = await temporaryFolder();
    const path = join(outside, 'peer.sock');
    await startPeer(path);
    await startPeer(join(root, 'in.sock'));
    await symlink(path, join(root, 'out.sock'));
    await symlink(outside, join(root, 'out'));
    const { connection, sessionId } = await startHarness({ fileRoots: [root] });
    await connectedTunnel(connection, { sessionId, unixPath: join(root, 'in.sock') });
    for (const unixPath of [
      path,
      join(root, 'out.sock'),
      join(root, 'out/peer.sock'),
      `${root}/../${outside.split('/').at(-1)}/peer.sock`,
    ]) {
      const { summary } = await failureOf(openTunnel(connection, { sessionId, unixPath }).over());
      expect(summary).toBe('PERMISSION_DENIED/OUTSIDE_ROOT');
    }
  });

  it('never leads to the server, by whatever name', async () => {
    const { address, connection, folder, sessionId } = await startHarness();
    if (address.kind !== 'unix') throw new Error('it listens elsewhere');
    await mkdir(join(folder, 'other'));
    await symlink(address.path, join(folder, 'other/link'));
    const names = [address.path, join(folder, 'other/link')];
    for (const unixPath of names) {
      const failure = await failureOf(openTunnel(connection, { sessionId, unixPath }).over());
      expect(failure.summary).toBe('PERMISSION_DENIED/EGRESS_DENIED');
      expect(tunnelFailureOf(failure)?.stage).toBe(TunnelStage.DENIED);
    }
    const moved = join(folder, 'other/moved');
    await rename(address.path, moved);
    const failure = await failureOf(openTunnel(connection, { sessionId, unixPath: moved }).over());
    expect(failure.summary).toBe('PERMISSION_DENIED/EGRESS_DENIED');
    await rename(moved, address.path);
  });

  it('is refused where everything has to be in a sandbox', async () => {
    const { connection, folder, server, sessionId } = await startHarness({ requireSandbox: true });
    const path = join(folder, 'peer.sock');
    await startPeer(path);
    const call = openTunnel(connection, { sessionId, unixPath: path });
    expect((await failureOf(call.over())).summary).toBe('PERMISSION_DENIED/SANDBOX_REQUIRED');
    const { capabilities } = await server.getServerInfo({});
    expect(capabilities?.tunnels?.unixSockets).toBe(false);
  });

  it.each([
    ['nothing', {}],
    ['a relative path', { unixPath: 'relative' }],
    ['two paths', { unixPath: '/a', rawUnixPath: Buffer.from('/a') }],
    ['a path and a host', { unixPath: '/a', host: 'localhost', port: 1 }],
    ['a path and a port', { unixPath: '/a', port: 1 }],
    ['a path and a process', { unixPath: '/a', processId: 'p' }],
    ['no port', { host: 'localhost' }],
    ['a port that there is not', { host: 'localhost', port: 70_000 }],
    ['no time', { host: 'localhost', port: 1, connectTimeout: { seconds: 0n, nanos: 0 } }],
    ['an id that is none', { connectionId: 'not a UUID' }],
  ])('is not opened by %s', async (_, open) => {
    const { connection, sessionId } = await startHarness();
    const { summary } = await failureOf(openTunnel(connection, { sessionId, ...open }).over());
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
  });
});
