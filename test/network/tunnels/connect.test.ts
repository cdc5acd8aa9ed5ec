import { describe, expect, it } from 'vitest';
import { TunnelEnd } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { failureOf } from '../../support/failure.ts';
import { startHarness } from '../../support/harness.ts';
import {
  connectedTunnel,
  endOf,
  openListener,
  openTunnel,
  startPeer,
} from '../../support/tunnels.ts';

describe('a tunnel', () => {
  it('carries bytes both ways, and counts them', async () => {
    const { connection, sessionId } = await startHarness();
    const peer = await startPeer();
    const tunnel = await connectedTunnel(connection, {
      sessionId,
      host: '127.0.0.1',
      port: peer.port,
    });
    expect(tunnel.peer).toBe(`127.0.0.1:${peer.port}`);
    const socket = await peer.accept();
    await tunnel.write('question');
    socket.write('answer');
    expect((await tunnel.read(6)).toString()).toBe('answer');
    tunnel.eof();
    const got = await endOf(socket);
    expect(got).toEqual({ bytes: Buffer.from('question'), error: undefined });
    socket.end('!');
    const end = await tunnel.ended();
    expect(end).toMatchObject({ kind: TunnelEnd.CLOSED, sentBytes: 8n, receivedBytes: 7n });
    await tunnel.over();
  });

  it('is over a connection of a listener', async () => {
    const { connection, sessionId } = await startHarness();
    const listener = openListener(connection, { sessionId });
    const listening = await listener.next();
    if (listening.case !== 'listening') throw new Error('it does not listen');
    const { host, port } = listening.value;
    const a = await connectedTunnel(connection, { sessionId, host, port });
    const arrival = await listener.next();
    if (arrival.case !== 'connection') throw new Error('nobody has connected');
    const { connectionId } = arrival.value;
    const b = await connectedTunnel(connection, { sessionId, connectionId });
    expect(b.peer).toBe(arrival.value.peer);
    await a.write('ping');
    expect((await b.read(4)).toString()).toBe('ping');
    const again = openTunnel(connection, { sessionId, connectionId });
    expect((await failureOf(again.over())).summary).toBe('NOT_FOUND/CONNECTION_NOT_FOUND');
    listener.cancel();
    b.eof();
    await a.expect('eof');
    a.eof();
    expect((await a.ended()).kind).toBe(TunnelEnd.CLOSED);
    expect((await b.ended()).kind).toBe(TunnelEnd.CLOSED);
  });
});
