import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { TunnelStage } from '../../../src/gen/runlet/v1/error_pb.ts';
import { TunnelEnd } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { MAX_SESSION_LISTENERS, MAX_WAITING_CONNECTIONS } from '../../../src/limits.ts';
import { openListener as listenAt } from '../../../src/network/tunnels/listener.ts';
import { SessionTunnels } from '../../../src/network/tunnels/session-tunnels.ts';
import { failureOf } from '../../support/failure.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import {
  connectedTunnel,
  endOf,
  type OpenListener,
  openListener,
  openTunnel,
  startPeer,
  tunnelFailureOf,
} from '../../support/tunnels.ts';

const HOST = '127.0.0.1';

async function listening({ connection, sessionId }: Harness, more = {}) {
  const listener = openListener(connection, { sessionId, ...more });
  const first = await listener.next();
  if (first.case !== 'listening') throw new Error(`it says ${first.case} first`);
  return { ...listener, ...first.value };
}

async function arrival(listener: OpenListener) {
  const next = await listener.next();
  if (next.case !== 'connection') throw new Error(`it says ${next.case}`);
  return next.value;
}

/** Connects from the test. */
async function connected(port: number): Promise<Socket> {
  const socket = connect({ host: HOST, port, allowHalfOpen: true });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe('a listener', () => {
  it('hands its connections over, and says who they are', async () => {
    const harness = await startHarness();
    const listener = await listening(harness);
    expect(listener.host).toBe(HOST);
    const socket = await connected(listener.port);
    const { connectionId, peer } = await arrival(listener);
    expect(peer).toBe(`${HOST}:${socket.localPort}`);
    expect(connectionId).toMatch(/^[0-9a-f-]{36}$/);
    const { connection, sessionId } = harness;
    socket.end('question');
    const tunnel = await connectedTunnel(connection, { sessionId, connectionId });
    expect(tunnel.peer).toBe(peer);
    expect((await tunnel.read()).toString()).toBe('question');
    const got = endOf(socket);
    await tunnel.write('answer');
    tunnel.eof();
    expect((await got).bytes.toString()).toBe('answer');
    expect((await tunnel.expect('end')).kind).toBe(TunnelEnd.CLOSED);
  });

  it('hands each over once, and to its own session alone', async () => {
    const harness = await startHarness();
    const { connection, sessionId, sessions } = harness;
    const { session } = await sessions.createSession({});
    const other = session?.sessionId ?? '';
    const listener = await listening(harness);
    await connected(listener.port);
    const { connectionId } = await arrival(listener);
    const stolen = await failureOf(
      openTunnel(connection, { sessionId: other, connectionId }).over(),
    );
    expect(stolen.summary).toBe('NOT_FOUND/CONNECTION_NOT_FOUND');
    await connectedTunnel(connection, { sessionId, connectionId });
    const again = await failureOf(openTunnel(connection, { sessionId, connectionId }).over());
    expect(again.summary).toBe('NOT_FOUND/CONNECTION_NOT_FOUND');
  });

  it('ends, and what was taken over goes on while what waits is reset', async () => {
    const harness = await startHarness();
    const { connection, sessionId } = harness;
    const listener = await listening(harness);
    const taken = await connected(listener.port);
    const { connectionId } = await arrival(listener);
    const tunnel = await connectedTunnel(connection, { sessionId, connectionId });
    const waiting = await connected(listener.port);
    await arrival(listener);
    const end = endOf(waiting);
    listener.cancel();
    expect((await end).error).toBe('ECONNRESET');
    taken.write('still here');
    expect((await tunnel.read(10)).toString()).toBe('still here');
    await expect.poll(() => portIsFree(listener.port)).toBe(true);
  });

  it('ends with its session', async () => {
    const harness = await startHarness();
    const listener = await listening(harness);
    const end = endOf(await connected(listener.port));
    await arrival(listener);
    const failed = failureOf(listener.over());
    await harness.sessions.closeSession({ sessionId: harness.sessionId });
    expect((await failed).summary).toBe('NOT_FOUND/SESSION_CLOSED');
    expect((await end).error).toBe('ECONNRESET');
  });

  it('resets what nobody takes over in time, and more than may wait', async () => {
    const tunnels = new SessionTunnels();
    const newId = (): string => crypto.randomUUID();
    const target = { host: HOST, port: 0 };
    const patient = await listenAt(target, { tunnels, clock: systemClock, newId });
    onTestFinished(() => patient.close());
    const sockets: Socket[] = [];
    for (let i = 0; i < MAX_WAITING_CONNECTIONS; i++) {
      sockets.push(await connected(patient.address.port));
    }
    const arrivals = patient.arrivals();
    for (let i = 0; i < MAX_WAITING_CONNECTIONS; i++) await arrivals.next();
    // It may be reset while it still connects.
    const beyond = connect({ host: HOST, port: patient.address.port });
    expect((await endOf(beyond)).error).toBe('ECONNRESET');
    const hasty = await listenAt(target, { tunnels, clock: systemClock, newId, waitMs: 20 });
    onTestFinished(() => hasty.close());
    const late = endOf(await connected(hasty.address.port));
    const { value } = await hasty.arrivals().next();
    expect((await late).error).toBe('ECONNRESET');
    expect(() => tunnels.take(value.id)).toThrow('gone');
    expect(sockets.every((socket) => !socket.destroyed)).toBe(true);
  });

  it.each([
    [{ host: '0.0.0.0' }, 'PERMISSION_DENIED/LISTEN_DENIED'],
    [{ host: '::' }, 'PERMISSION_DENIED/LISTEN_DENIED'],
    [{ host: '192.0.2.1' }, 'PERMISSION_DENIED/LISTEN_DENIED'],
    [{ host: 'example.org' }, 'INVALID_ARGUMENT/INVALID_REQUEST'],
    [{ port: 70_000 }, 'INVALID_ARGUMENT/INVALID_REQUEST'],
  ])('is not made of %j', async (request, summary) => {
    const { connection, sessionId } = await startHarness();
    const failure = await failureOf(openListener(connection, { sessionId, ...request }).over());
    expect(failure.summary).toBe(summary);
  });

  it('is typed where its port is in use', async () => {
    const { connection, sessionId } = await startHarness();
    const { port } = await startPeer();
    const failure = await failureOf(
      openListener(connection, { sessionId, host: 'localhost', port }).over(),
    );
    expect(failure.summary).toBe('UNAVAILABLE/TUNNEL_FAILED');
    expect(tunnelFailureOf(failure)).toMatchObject({
      stage: TunnelStage.LISTEN,
      errnoName: 'EADDRINUSE',
      target: `${HOST}:${port}`,
    });
  });

  it('is one of so many in a session', async () => {
    const harness = await startHarness();
    const { connection, sessionId } = harness;
    const listeners = [];
    for (let i = 0; i < MAX_SESSION_LISTENERS; i++) listeners.push(await listening(harness));
    const failure = await failureOf(openListener(connection, { sessionId }).over());
    expect(failure.summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
    expect(failure.info?.metadata['limit']).toBe('max_session_listeners');
    listeners[0]?.cancel();
    await expect
      .poll(async () => {
        const next = openListener(connection, { sessionId });
        return next.next().then(
          ({ case: kind }) => kind,
          () => undefined,
        );
      })
      .toBe('listening');
  });
});

function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: HOST, port }, () => server.close(() => resolve(true)));
  });
}
