import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../../src/bridge/create-client.ts';
import { TunnelEnd, TunnelService } from '../../../src/gen/runlet/v1/tunnel_pb.ts';
import { blackHole } from '../../support/black-hole.ts';
import { openedSince, ownDescriptors } from '../../support/descriptors.ts';
import { failureOf } from '../../support/failure.ts';
import { connectClients, startHarness } from '../../support/harness.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import {
  connectedTunnel,
  endOf,
  openListener,
  openTunnel,
  startPeer,
} from '../../support/tunnels.ts';

const HOST = '127.0.0.1';
const QUICK = { limits: { heartbeatMs: 5 } };

describe('heartbeats', () => {
  it('come over a tunnel that is silent, before and while it stands', async () => {
    const { connection, sessionId } = await startHarness(QUICK);
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    const dialed = { sessionId, host: HOST, port: await blackHole() };
    const peer = await startPeer();
    const stands = { sessionId, host: HOST, port: peer.port };
    for (const value of [dialed, stands]) {
      let end = (): void => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      async function* requests() {
        yield { request: { case: 'open' as const, value } };
        await ended;
      }
      onTestFinished(() => end());
      const { signal } = abort;
      const responses = createClient(TunnelService, connection).connect(requests(), { signal });
      const seen: (string | undefined)[] = [];
      for await (const { response } of responses) {
        if (seen.push(response.case) === 4) break;
      }
      const [first, ...rest] = seen.filter((kind) => kind !== undefined);
      expect([first, rest]).toEqual([value === dialed ? undefined : 'opened', []]);
    }
  });

  it('come from a listener that nobody connects to, and keep no connection from being told', async () => {
    const { connection, sessionId } = await startHarness(QUICK);
    const listener = openListener(connection, { sessionId });
    const first = await listener.next();
    if (first.case !== 'listening') throw new Error(`it says ${first.case} first`);
    for (let i = 0; i < 3; i++) expect((await listener.next()).case).toBeUndefined();
    const socket = connect(first.value.port, HOST);
    onTestFinished(() => void socket.destroy());
    await expect.poll(async () => (await listener.next()).case).toBe('connection');
  });
});

describe('a client whose connection breaks', () => {
  it('is gone for the other side of its tunnels, and for its listeners', async () => {
    const { address, sessionId } = await startHarness();
    const proxy = await startProxy(address);
    const { connection } = connectClients(proxy.address);
    const peer = await startPeer();
    const open = { sessionId, host: HOST, port: peer.port };
    const tunnel = await connectedTunnel(connection, open);
    const halfOpen = await connectedTunnel(connection, open);
    const [socket, ended] = [await peer.accept(), await peer.accept()];
    await tunnel.write('something');
    halfOpen.eof();
    await endOf(ended);
    const listener = openListener(connection, { sessionId });
    const first = await listener.next();
    if (first.case !== 'listening') throw new Error(`it says ${first.case} first`);
    const waiting = connect(first.value.port, HOST);
    expect((await listener.next()).case).toBe('connection');
    const ends = [socket, waiting].map(brokenBy);
    // Of one that was read to its end only a write tells.
    const broken = brokenBy(ended);
    const failed = [tunnel, halfOpen, listener].map((call) => failureOf(call.over()));
    proxy.cut();
    expect(await Promise.all(ends)).toEqual(['ECONNRESET', 'ECONNRESET']);
    await expect
      .poll(() => {
        ended.write('x');
        return ended.destroyed;
      })
      .toBe(true);
    expect(await broken).toMatch(/^(ECONNRESET|EPIPE)$/);
    for (const failure of failed) expect((await failure).summary).toMatch(/^UNAVAILABLE/);
    const refused = connect(first.value.port, HOST);
    expect((await endOf(refused)).error).toBe('ECONNREFUSED');
  });
});

describe('a tunnel that is cancelled while it is connected', () => {
  it('leaves nothing, and its session has room for another', async () => {
    const { connection, sessionId } = await startHarness();
    const port = await blackHole();
    const peer = await startPeer();
    const { tunnel: warm } = { tunnel: await connectedTunnel(connection, to(peer.port)) };
    warm.eof();
    (await peer.accept()).end();
    expect((await warm.ended()).kind).toBe(TunnelEnd.CLOSED);
    const before = ownDescriptors();
    const tunnels = Array.from({ length: 10 }, () => openTunnel(connection, to(port)));
    const failed = tunnels.map((tunnel) => failureOf(tunnel.over()));
    await expect.poll(() => openedSince(before).length).toBeGreaterThanOrEqual(10);
    for (const tunnel of tunnels) tunnel.cancel();
    for (const failure of failed) expect((await failure).summary).toMatch(/^CANCELLED/);
    await expect.poll(() => openedSince(before)).toEqual([]);
    await connectedTunnel(connection, to(peer.port));

    function to(at: number) {
      return { sessionId, host: HOST, port: at };
    }
  });
});

/** By what a connection breaks in the end, also after its other side has ended. */
function brokenBy(socket: ReturnType<typeof connect>): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.on('close', () => resolve(undefined));
    socket.resume();
  });
}
