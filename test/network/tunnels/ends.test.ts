import { describe, expect, it } from 'vitest';
import { AttachMode } from '../../../src/gen/runlet/v1/session_pb.ts';
import { TunnelEnd } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { attach } from '../../support/attach.ts';
import { failureOf } from '../../support/failure.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { connectedTunnel, endOf, startPeer } from '../../support/tunnels.ts';

const HOST = '127.0.0.1';

async function connected({ connection, sessionId }: Harness, more = {}) {
  const peer = await startPeer();
  const open = { sessionId, host: HOST, port: peer.port, ...more };
  const tunnel = await connectedTunnel(connection, open);
  return { tunnel, socket: await peer.accept() };
}

describe('the end of a tunnel', () => {
  it('is closed where the client ends first', async () => {
    const { socket, tunnel } = await connected(await startHarness());
    await tunnel.write('all');
    tunnel.eof();
    const got = await endOf(socket);
    expect(got).toEqual({ bytes: Buffer.from('all'), error: undefined });
    socket.write('more');
    expect((await tunnel.read(4)).toString()).toBe('more');
    socket.end();
    await tunnel.expect('eof');
    const end = await tunnel.expect('end');
    expect(end).toMatchObject({ kind: TunnelEnd.CLOSED, sentBytes: 3n, receivedBytes: 4n });
    await tunnel.over();
  });

  it('is closed where the other side ends first', async () => {
    const { socket, tunnel } = await connected(await startHarness());
    socket.end('all');
    expect((await tunnel.read()).toString()).toBe('all');
    await tunnel.write('more');
    await tunnel.write(' and more');
    tunnel.eof();
    const got = await endOf(socket);
    expect(got).toEqual({ bytes: Buffer.from('more and more'), error: undefined });
    expect((await tunnel.expect('end')).kind).toBe(TunnelEnd.CLOSED);
  });

  it('is a reset, and not clean, where the other side resets it', async () => {
    const { socket, tunnel } = await connected(await startHarness());
    socket.write('some');
    expect((await tunnel.read(4)).toString()).toBe('some');
    socket.resetAndDestroy();
    const end = await tunnel.expect('end');
    expect(end).toMatchObject({ kind: TunnelEnd.RESET, receivedBytes: 4n });
    await tunnel.over();
  });

  it('is a reset where what is sent is refused after the other side has ended', async () => {
    const { socket, tunnel } = await connected(await startHarness());
    socket.end();
    await tunnel.expect('eof');
    await tunnel.write('too late');
    await new Promise<void>((resolve) => {
      socket.once('data', () => resolve());
      socket.resume();
    });
    // Nothing tells of it but the next write.
    socket.resetAndDestroy();
    expect((await tunnel.expect('end')).kind).toBe(TunnelEnd.RESET);
  });

  const resets: readonly [
    string,
    (harness: Harness, open: Awaited<ReturnType<typeof connected>>) => unknown,
    string,
  ][] = [
    ['is cancelled', (_, { tunnel }) => tunnel.cancel(), ''],
    [
      'says no end of what it sends',
      (_, { tunnel }) => tunnel.finish(),
      'INVALID_ARGUMENT/INVALID_REQUEST',
    ],
    [
      'opens twice',
      (_, { tunnel }) => tunnel.send({ case: 'open', value: {} }),
      'INVALID_ARGUMENT/INVALID_REQUEST',
    ],
    [
      'is over with its session',
      ({ sessionId, sessions }) => sessions.closeSession({ sessionId }),
      'NOT_FOUND/SESSION_CLOSED',
    ],
    ['is over with its server', ({ runlet }) => runlet.shutdown(), 'UNAVAILABLE/DRAINING'],
  ];
  it.each(resets)('is a reset for the other side where the call %s', async (_, act, summary) => {
    const harness = await startHarness();
    const open = await connected(harness);
    const failed = summary === '' ? undefined : failureOf(open.tunnel.over());
    const end = endOf(open.socket);
    const acted = act(harness, open);
    expect((await end).error).toBe('ECONNRESET');
    if (failed !== undefined) expect((await failed).summary).toBe(summary);
    await acted;
  });

  it('is no end of the call where something is sent after it', async () => {
    const { tunnel } = await connected(await startHarness());
    tunnel.eof();
    const { summary } = await failureOf(tunnel.write('x').then(() => tunnel.over()));
    expect(summary).toBe('INVALID_ARGUMENT/INVALID_REQUEST');
  });

  it('is a reset where another attachment takes over', async () => {
    const harness = await startHarness();
    const { attachmentId } = await attach(harness, harness.sessionId);
    const { socket, tunnel } = await connected(harness, { attachmentId });
    const end = endOf(socket);
    const failed = failureOf(tunnel.over());
    await attach(harness, harness.sessionId, AttachMode.TAKE_OVER);
    expect((await end).error).toBe('ECONNRESET');
    expect((await failed).summary).toBe('ABORTED/ATTACHMENT_SUPERSEDED');
  });

  it('is a reset where nothing was sent for long', async () => {
    const harness = await startHarness({ limits: { tunnelIdleMs: 300 } });
    const { socket, tunnel } = await connected(harness);
    const end = endOf(socket);
    expect((await tunnel.expect('end')).kind).toBe(TunnelEnd.RESET);
    expect((await end).error).toBe('ECONNRESET');
  });
});
