import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TunnelEnd } from '../../src/gen/runlet/v1/tunnel_pb.ts';
import { MAX_SESSION_TUNNELS } from '../../src/limits.ts';
import { failureOf } from '../support/failure.ts';
import { connectClients, startHarness } from '../support/harness.ts';
import { serve } from '../support/served.ts';
import {
  connectedTunnel,
  endOf,
  type OpenTunnel,
  openListener,
  openTunnel,
  startPeer,
} from '../support/tunnels.ts';

const HOST = '127.0.0.1';
const MIB = 1024 * 1024;

/** What is offered over each tunnel: far more than all buffers of the system on the way hold. */
const OFFERED_BYTES = 128 * MIB;

/** Tunnels that nobody reads. */
const SLOW_TUNNELS = 8;

/** What the server may take for them, where {@link OFFERED_BYTES} would be there for each. */
const SLACK_BYTES = 128 * MIB;

/** Tunnels that are opened together: a divisor of how many there may be. */
const AT_ONCE = 32;

const PIECE = Buffer.alloc(64 * 1024);

/** Sends all of it as the other side takes it, and tells how much it was given so far. */
function offer(socket: Socket): () => number {
  let sent = 0;
  const send = (): void => {
    while (sent < OFFERED_BYTES) {
      sent += PIECE.length;
      if (!socket.write(PIECE)) {
        socket.once('drain', send);
        return;
      }
    }
    socket.end();
  };
  send();
  return () => sent;
}

/** The same from the client. */
function offerFromClient(tunnel: OpenTunnel): () => number {
  let sent = 0;
  const send = async (): Promise<void> => {
    for (; sent < OFFERED_BYTES; sent += PIECE.length) await tunnel.write(PIECE);
    tunnel.eof();
  };
  void send();
  return () => sent;
}

async function lengthOf(tunnel: OpenTunnel): Promise<number> {
  let length = 0;
  for (;;) {
    const response = await tunnel.next();
    if (response.case === 'eof') return length;
    if (response.case === 'data') length += response.value.byteLength;
  }
}

/** A served process, and as many tunnels through it as are asked for, with their other sides. */
async function startTunnels(count: number) {
  const served = await serve();
  const { connection, sessions } = connectClients(served.address);
  const { session } = await sessions.createSession({});
  const sessionId = session?.sessionId ?? '';
  const peer = await startPeer();
  const open = { sessionId, host: HOST, port: peer.port };
  const pairs: { readonly tunnel: OpenTunnel; readonly socket: Socket }[] = [];
  for (let i = 0; i < count; i++) {
    const tunnel = await connectedTunnel(connection, open);
    pairs.push({ tunnel, socket: await peer.accept() });
  }
  const [quick, ...slow] = pairs;
  if (quick === undefined) throw new Error('there is none');
  return { served, quick, slow };
}

describe('tunnels that nobody reads', () => {
  it('cost the server no memory, and stall who writes at the other side', async () => {
    const { quick, served, slow } = await startTunnels(SLOW_TUNNELS + 1);
    const { rss } = await served.holdings();
    const sent = slow.map(({ socket }) => offer(socket));
    // As much as each of them offers comes over another, to its end: they had their time.
    offer(quick.socket);
    expect(await lengthOf(quick.tunnel)).toBe(OFFERED_BYTES);
    for (const bytes of sent) expect(bytes()).toBeLessThan(OFFERED_BYTES / 2);
    expect((await served.holdings()).rss - rss).toBeLessThan(SLACK_BYTES);
    // It was not lost: one that is read in the end has all.
    const [first] = slow;
    expect(await lengthOf(first?.tunnel ?? quick.tunnel)).toBe(OFFERED_BYTES);
  }, 600_000);

  it('cost it none where it is the other side that does not read', async () => {
    const { quick, served, slow } = await startTunnels(SLOW_TUNNELS + 1);
    const { rss } = await served.holdings();
    const sent = slow.map(({ tunnel }) => offerFromClient(tunnel));
    const got = endLength(quick.socket);
    offerFromClient(quick.tunnel);
    expect(await got).toBe(OFFERED_BYTES);
    for (const bytes of sent) expect(bytes()).toBeLessThan(OFFERED_BYTES / 2);
    expect((await served.holdings()).rss - rss).toBeLessThan(SLACK_BYTES);
    const [first] = slow;
    expect(await endLength(first?.socket ?? quick.socket)).toBe(OFFERED_BYTES);
  }, 600_000);
});

async function endLength(socket: Socket): Promise<number> {
  let length = 0;
  for await (const piece of socket.iterator({ destroyOnReturn: false })) length += piece.length;
  return length;
}

describe('the tunnels of a session', () => {
  it('are so many at most, and one that ends makes room', async () => {
    const { connection, sessionId } = await startHarness();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    }).listen({ host: HOST, port: 0, backlog: MAX_SESSION_TUNNELS });
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const open = { sessionId, host: HOST, port };
    const listener = openListener(connection, { sessionId });
    const first = await listener.next();
    if (first.case !== 'listening') throw new Error(`it says ${first.case} first`);
    const tunnels: OpenTunnel[] = [];
    // A few at a time: on a machine that is busy nothing else would be answered for long.
    while (tunnels.length < MAX_SESSION_TUNNELS) {
      const few = Array.from({ length: AT_ONCE }, () => connectedTunnel(connection, open));
      tunnels.push(...(await Promise.all(few)));
    }
    const { info, summary } = await failureOf(openTunnel(connection, open).over());
    expect(summary).toBe('RESOURCE_EXHAUSTED/LIMIT_EXCEEDED');
    expect(info?.metadata).toMatchObject({
      limit: 'max_session_tunnels',
      maximum: String(MAX_SESSION_TUNNELS),
    });
    // Who connects to a listener of the session is one of them as well.
    const beyond = connect(first.value.port, HOST);
    expect((await endOf(beyond)).error).toBe('ECONNRESET');
    const [one] = tunnels;
    one?.eof();
    expect((await one?.ended())?.kind).toBe(TunnelEnd.CLOSED);
    await one?.over();
    const arriving = connect(first.value.port, HOST);
    onTestFinished(() => void arriving.destroy());
    expect((await listener.next()).case).toBe('connection');
    expect((await failureOf(openTunnel(connection, open).over())).summary).toBe(summary);
  }, 600_000);
});
