import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../../../src/client/deferred.ts';
import {
  type RemoteSession,
  type RemoteSocket,
  TunnelError,
  TunnelResetError,
} from '../../../src/client/index.ts';
import { connectTo, errorOf, QUICK } from '../../support/client.ts';
import { type ServedHere, serveHere, temporaryFolder } from '../../support/harness.ts';
import { listenHere } from '../../support/peers.ts';

interface Session {
  readonly served: ServedHere;
  readonly session: RemoteSession;
}

async function startSession(): Promise<Session> {
  const served = await serveHere();
  return { served, session: await connectTo(served.address, QUICK).session() };
}

/** A peer that does something with each connection, and what connects to it. */
async function startPeer(
  onConnection: (socket: Socket) => void,
): Promise<{ readonly target: { host: string; port: number }; readonly server: Server }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // One that is reset ends no test.
    socket.on('error', () => {});
    onConnection(socket);
  });
  return { server, target: await listenHere(server) };
}

async function textOf(socket: RemoteSocket): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of socket.iterator({ destroyOnReturn: false })) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe('a connection through the server', () => {
  it('carries bytes both ways, and tells the other side', async () => {
    const { session } = await startSession();
    const { target } = await startPeer((socket) => socket.pipe(socket));
    const socket = await session.connect(target);
    expect(socket.peer).toBe(`127.0.0.1:${target.port}`);
    expect(socket.remoteAddress).toBe('127.0.0.1');
    expect(socket.remotePort).toBe(target.port);
    socket.end('what was sent');
    expect(await textOf(socket)).toBe('what was sent');
    await closed(socket);
    expect(socket.errored).toBeNull();
    expect([socket.bytesWritten, socket.bytesRead]).toEqual([13, 13]);
  });

  it('leads to a socket of the file system', async () => {
    const { session } = await startSession();
    const path = join(await temporaryFolder(), 'peer.sock');
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    server.listen(path);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const socket = await session.connect({ path });
    expect(socket.peer).toBe(path);
    expect(socket.remotePort).toBeUndefined();
    socket.end('by a path');
    expect(await textOf(socket)).toBe('by a path');
    const raw = await session.connect({ path: Buffer.from(path) });
    raw.end('by its bytes');
    expect(await textOf(raw)).toBe('by its bytes');
  });

  it('can be written to after the other side has sent all', async () => {
    const { session } = await startSession();
    const got: string[] = [];
    const { target } = await startPeer((socket) => {
      socket.end('first');
      socket.on('data', (data: Buffer) => got.push(data.toString()));
    });
    const socket = await session.connect(target);
    expect(await textOf(socket)).toBe('first');
    expect(socket.writable).toBe(true);
    socket.end('second');
    await closed(socket);
    expect(got.join('')).toBe('second');
  });

  it('is read after all was sent', async () => {
    const { session } = await startSession();
    const { target } = await startPeer((socket) => {
      socket.resume().on('end', () => socket.end('the answer'));
    });
    const socket = await session.connect(target);
    socket.end();
    await once(socket, 'finish');
    expect(await textOf(socket)).toBe('the answer');
  });

  it('carries much both ways at once, over several connections', async () => {
    const { session } = await startSession();
    const bytes = 8 * 1024 * 1024;
    const { target } = await startPeer((socket) => {
      socket.resume();
      sendMuch(socket, bytes);
    });
    const each = Array.from({ length: 6 }, async () => {
      const socket = await session.connect(target);
      sendMuch(socket, bytes);
      let got = 0;
      for await (const piece of socket.iterator({ destroyOnReturn: false })) got += piece.length;
      await closed(socket);
      return [got, socket.bytesWritten];
    });
    expect(await Promise.all(each)).toEqual(Array.from({ length: 6 }, () => [bytes, bytes]));
  });

  it('slows who sends to what is read here', async () => {
    const { session } = await startSession();
    const bytes = 32 * 1024 * 1024;
    const sent: number[] = [];
    const { target } = await startPeer((socket) => {
      const index = sent.push(0) - 1;
      sendMuch(socket, bytes, (count) => {
        sent[index] = count;
      });
    });
    const socket = await session.connect(target);
    await once(socket, 'readable');
    // Nothing more is read here, while as much comes over another one, to its end.
    const other = await session.connect(target);
    expect(await lengthOf(other)).toBe(bytes);
    other.destroy();
    expect(sent[1]).toBe(bytes);
    expect(sent[0]).toBeLessThan(bytes / 2);
    expect(socket.readableLength).toBeLessThanOrEqual(256 * 1024);
    expect(await lengthOf(socket)).toBe(bytes);
    socket.end();
  });

  it('slows who writes here to what the other side reads', async () => {
    const { session } = await startSession();
    const bytes = 32 * 1024 * 1024;
    const peers: Socket[] = [];
    const { target } = await startPeer((socket) => void peers.push(socket));
    const slowed = await session.connect(target);
    sendMuch(slowed, bytes);
    const other = await session.connect(target);
    sendMuch(other, bytes);
    const [slow, quick] = peers;
    if (slow === undefined || quick === undefined) throw new Error('they are not connected');
    // The other side of one reads nothing, while as much is sent over another one, to its end.
    expect(await lengthOf(quick)).toBe(bytes);
    expect(slowed.writableNeedDrain).toBe(true);
    expect(slowed.bytesWritten).toBeLessThan(bytes / 2);
    expect(await lengthOf(slow)).toBe(bytes);
    slowed.destroy();
    other.destroy();
  });

  it('is reset where it is destroyed', async () => {
    const { session } = await startSession();
    const seen = deferred<Error>();
    const { target } = await startPeer((socket) => {
      socket.on('error', seen.resolve);
      socket.write('something');
    });
    const socket = await session.connect(target);
    await once(socket, 'readable');
    socket.destroy();
    expect(await seen.promise).toMatchObject({ code: 'ECONNRESET' });
    await closed(socket);
  });

  it('fails where the other side resets it, also where nobody reads', async () => {
    const { session } = await startSession();
    const peers: Socket[] = [];
    const { target } = await startPeer((socket) => void peers.push(socket));
    const socket = await session.connect(target);
    const failed = once(socket, 'error');
    peers[0]?.resetAndDestroy();
    const [error] = await failed;
    expect(error).toBeInstanceOf(TunnelResetError);
    expect(error).toMatchObject({
      code: 'TUNNEL_RESET',
      errnoName: 'ECONNRESET',
      peer: `127.0.0.1:${target.port}`,
    });
  });

  it('is not made where nobody listens, which is told by stage and name', async () => {
    const { session } = await startSession();
    const { server, target } = await startPeer(() => {});
    server.close();
    await once(server, 'close');
    const error = await errorOf(session.connect(target));
    expect(error).toBeInstanceOf(TunnelError);
    expect(error).toMatchObject({
      reason: 'TUNNEL_FAILED',
      stage: 'CONNECT',
      errnoName: 'ECONNREFUSED',
      target: `127.0.0.1:${target.port}`,
    });
    const denied = await errorOf(session.connect({ host: '169.254.169.254', port: 80 }));
    expect(denied).toBeInstanceOf(TunnelError);
    expect(denied).toMatchObject({ reason: 'EGRESS_DENIED', stage: 'DENIED' });
  });

  it('is given up by a signal, before and while it stands', async () => {
    const { session } = await startSession();
    const why = new Error('no longer wanted');
    const { target } = await startPeer(() => {});
    expect(await errorOf(session.connect(target, { signal: AbortSignal.abort(why) }))).toBe(why);
    const controller = new AbortController();
    const socket = await session.connect(target, { signal: controller.signal });
    const failed = once(socket, 'error');
    controller.abort(why);
    expect(await failed).toEqual([why]);
  });

  it('ends with its session', async () => {
    const { session } = await startSession();
    const { target } = await startPeer(() => {});
    const socket = await session.connect(target);
    const failed = once(socket, 'error');
    await session.close();
    expect((await failed)[0]).toMatchObject({ code: 'SESSION_LOST' });
  });

  it('is refused by its options before anything is sent', async () => {
    const { session } = await startSession();
    const wrong = (value: unknown): never => value as never;
    const refusals: readonly [string, Promise<unknown>][] = [
      ['port', session.connect({ host: 'localhost', port: 0 })],
      ['host', session.connect(wrong({ port: 1 }))],
      ['hots', session.connect(wrong({ hots: 'localhost', port: 1 }))],
      ['path', session.connect({ path: 'relative' })],
      ['connect', session.connect(wrong('localhost:80'))],
      ['timeout', session.connect({ host: 'localhost', port: 1 }, wrong({ timeout: 1 }))],
      ['port', session.listen({ port: 70_000 })],
      ['backlog', session.listen({}, wrong({ backlog: 1 }))],
      ['pid', session.ports(wrong({ pid: 1 }))],
    ];
    for (const [option, refused] of refusals) {
      expect(await errorOf(refused)).toMatchObject({ code: 'OPTION_INVALID', option });
    }
  });

  it('emits timeout when nothing moves, as a socket does', async () => {
    const { session } = await startSession();
    const { target } = await startPeer(() => {});
    const socket = await session.connect(target);
    const timedOut = once(socket, 'timeout');
    socket.setTimeout(10);
    await timedOut;
    socket.destroy();
    expect(socket.destroyed).toBe(true);
  });
});

async function closed(socket: RemoteSocket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}

function sendMuch(
  socket: Socket | RemoteSocket,
  bytes: number,
  onSent: (bytes: number) => void = () => {},
): void {
  const piece = Buffer.alloc(64 * 1024);
  let sent = 0;
  const send = (): void => {
    while (sent < bytes) {
      sent += piece.length;
      onSent(sent);
      if (!socket.write(piece)) {
        socket.once('drain', send);
        return;
      }
    }
    socket.end();
  };
  send();
}

async function lengthOf(socket: Socket | RemoteSocket): Promise<number> {
  let length = 0;
  for await (const piece of socket.iterator({ destroyOnReturn: false })) length += piece.length;
  return length;
}
