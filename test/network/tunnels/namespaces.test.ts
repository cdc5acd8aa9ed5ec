import { describe, expect, it } from 'vitest';
import { TunnelStage } from '../../../src/gen/runlet/v1/error_pb.ts';
import { TunnelEnd } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { openedSince, ownDescriptors } from '../../support/descriptors.ts';
import { failureOf } from '../../support/failure.ts';
import { LAUNCHER, startHarness } from '../../support/harness.ts';
import { hasBwrap } from '../../support/needed-tools.ts';
import {
  connectedTunnel,
  OWN_NETWORK,
  openTunnel,
  startListening,
  startPeer,
  tunnelFailureOf,
} from '../../support/tunnels.ts';

/** A server that gives back what it gets, and says where it listens. */
const ECHO = `
const server = require('net').createServer({ allowHalfOpen: true }, (s) => s.on('error', () => {}).pipe(s));
server.listen(0, process.argv[1] ?? '127.0.0.1', () => console.log(server.address().port));
`;

const canConfine = LAUNCHER !== 'child_process' && hasBwrap();

describe.skipIf(!canConfine)('the network of a process in a sandbox', () => {
  it('is entered by its id', async () => {
    const harness = await startHarness();
    const { connection, sessionId } = harness;
    const { port, processId } = await startListening(harness, ECHO, OWN_NETWORK);
    const open = { sessionId, host: 'localhost', port, processId };
    const tunnel = await connectedTunnel(connection, open);
    expect(tunnel.peer).toBe(`127.0.0.1:${port}`);
    await tunnel.write('hello');
    expect((await tunnel.read(5)).toString()).toBe('hello');
    tunnel.eof();
    expect((await tunnel.ended()).kind).toBe(TunnelEnd.CLOSED);
  });

  it('is entered over IPv6', async () => {
    const harness = await startHarness();
    const { connection, sessionId } = harness;
    const script = ECHO.replace("'127.0.0.1'", "'::1'");
    const { port, processId } = await startListening(harness, script, OWN_NETWORK);
    for (const host of ['::1', 'localhost']) {
      const tunnel = await connectedTunnel(connection, { sessionId, host, port, processId });
      expect(tunnel.peer).toBe(`[::1]:${port}`);
      tunnel.cancel();
    }
  });

  it('is another than that of the server, and of others', async () => {
    const harness = await startHarness();
    const { connection, sessionId } = harness;
    const { port, processId } = await startListening(harness, ECHO, OWN_NETWORK);
    const peer = await startPeer();
    const other = await startListening(harness, ECHO, OWN_NETWORK);
    for (const open of [
      { host: '127.0.0.1', port: peer.port, processId },
      { host: '127.0.0.1', port, processId: other.processId },
      { host: '127.0.0.1', port },
    ]) {
      // Ports are given at random: another may have the same.
      if (open.processId === other.processId && other.port === port) continue;
      const failure = await failureOf(openTunnel(connection, { sessionId, ...open }).over());
      expect(failure.summary).toBe('UNAVAILABLE/TUNNEL_FAILED');
      expect(tunnelFailureOf(failure)).toMatchObject({
        stage: TunnelStage.CONNECT,
        errnoName: 'ECONNREFUSED',
        target: `127.0.0.1:${open.port}`,
      });
    }
  });

  it.each([
    ['10.1.2.3', TunnelStage.CONNECT, 'ENETUNREACH'],
    ['169.254.169.254', TunnelStage.CONNECT, 'ENETUNREACH'],
    ['example.org', TunnelStage.RESOLVE, 'ENOTFOUND'],
  ])('has no way to %s', async (host, stage, errnoName) => {
    const harness = await startHarness();
    const { connection, sessionId } = harness;
    const { port, processId } = await startListening(harness, ECHO, OWN_NETWORK);
    const tunnel = openTunnel(connection, { sessionId, host, port, processId });
    const failure = await failureOf(tunnel.over());
    expect(failure.summary).toBe('UNAVAILABLE/TUNNEL_FAILED');
    expect(tunnelFailureOf(failure)).toMatchObject({ stage, errnoName });
  });

  it('resets its connections when the process is killed, and is gone with it', async () => {
    const harness = await startHarness();
    const { connection, processes, sessionId } = harness;
    const { port, processId } = await startListening(harness, ECHO, OWN_NETWORK);
    const open = { sessionId, host: '127.0.0.1', port, processId };
    const tunnel = await connectedTunnel(connection, open);
    await processes.terminateProcess({ sessionId, processId });
    await processes.waitProcess({ sessionId, processId });
    // Its end is sent, as the system does it for whoever ends: what is sent to it then breaks it.
    tunnel.send({ case: 'data', value: Buffer.from('hello') });
    expect((await tunnel.ended()).kind).toBe(TunnelEnd.RESET);
    const { summary } = await failureOf(openTunnel(connection, open).over());
    expect(summary).toBe('FAILED_PRECONDITION/PROCESS_EXITED');
  });

  it('is entered by many at once, and keeps no descriptor', async () => {
    const harness = await startHarness();
    const { connection, sessionId } = harness;
    const { port, processId } = await startListening(harness, ECHO, OWN_NETWORK);
    const before = ownDescriptors();
    const open = { sessionId, host: '127.0.0.1', port, processId };
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const tunnel = openTunnel(connection, open);
        if (i % 3 === 0) {
          tunnel.cancel();
          return;
        }
        await tunnel.expect('opened');
        await tunnel.write(String(i));
        expect((await tunnel.read(String(i).length)).toString()).toBe(String(i));
        tunnel.eof();
        await tunnel.over();
      }),
    );
    await expect.poll(() => openedSince(before)).toEqual([]);
  });
});

describe('a process without a network of its own', () => {
  it('shares that of the server', async () => {
    const harness = await startHarness();
    const { connection, sessionId } = harness;
    const { port, processId } = await startListening(harness, ECHO);
    const open = { sessionId, host: '127.0.0.1', port, processId };
    const tunnel = await connectedTunnel(connection, open);
    await tunnel.write('hello');
    expect((await tunnel.read(5)).toString()).toBe('hello');
  });

  it('has to be there', async () => {
    const harness = await startHarness();
    const { connection, processes, sessionId } = harness;
    const { port, processId } = await startListening(harness, ECHO);
    await processes.terminateProcess({ sessionId, processId });
    await processes.waitProcess({ sessionId, processId });
    const open = { sessionId, host: '127.0.0.1', port, processId };
    const exited = await failureOf(openTunnel(connection, open).over());
    expect(exited.summary).toBe('FAILED_PRECONDITION/PROCESS_EXITED');
    const unknown = await failureOf(openTunnel(connection, { ...open, processId: 'other' }).over());
    expect(unknown.summary).toBe('NOT_FOUND/PROCESS_NOT_FOUND');
  });
});
