import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../../../src/client/deferred.ts';
import type { RemoteSession, RemoteSocket } from '../../../src/client/index.ts';
import { connectTo, errorOf, QUICK } from '../../support/client.ts';
import { serveHere } from '../../support/harness.ts';
import { listenHere } from '../../support/peers.ts';
import { startProxy } from '../../support/tcp-proxy.ts';

async function startSession(): Promise<RemoteSession> {
  const { address } = await serveHere();
  return connectTo(address, QUICK).session();
}

describe('a listener of a session', () => {
  it('gives connections as they are asked for', async () => {
    const session = await startSession();
    const listener = await session.listen();
    expect(listener.host).toBe('127.0.0.1');
    const local = connect({ port: listener.port, host: listener.host, allowHalfOpen: true });
    local.end('a question');
    const { value: socket } = await listener.next();
    expect(socket?.peer).toBe(`127.0.0.1:${local.localPort}`);
    if (socket === undefined) throw new Error('no connection came');
    const [question] = await once(socket, 'data');
    expect(String(question)).toBe('a question');
    socket.end('an answer');
    expect(await text(local)).toBe('an answer');
    listener.close();
    expect(await listener.closed).toBeUndefined();
    expect((await listener.next()).done).toBe(true);
    await expect.poll(() => refusedAt(listener.port)).toBe(true);
  });

  it('lets a process of the session reach this program', async () => {
    const session = await startSession();
    await using listener = await session.listen({ host: 'localhost' });
    const script = `require('net').connect(${listener.port}, '127.0.0.1').pipe(process.stdout)`;
    const argv = [process.execPath, '-e', script];
    const process_ = await session.start({ argv });
    for await (const socket of listener) {
      socket.end('from the other side');
      break;
    }
    expect(await text(process_.stdout)).toBe('from the other side');
  });

  it('calls back with each connection, several at a time', async () => {
    const session = await startSession();
    const sockets: RemoteSocket[] = [];
    const both = deferred<void>();
    const listener = await session.listen(
      {},
      {
        onConnection(socket) {
          sockets.push(socket);
          if (sockets.length === 2) both.resolve();
        },
      },
    );
    onTestFinished(() => listener.close());
    const locals = [connect(listener.port, '127.0.0.1'), connect(listener.port, '127.0.0.1')];
    await both.promise;
    for (const socket of sockets) socket.end('x');
    expect(await Promise.all(locals.map((local) => text(local)))).toEqual(['x', 'x']);
  });

  it('is told where nobody can listen', async () => {
    const session = await startSession();
    const first = await session.listen();
    onTestFinished(() => first.close());
    const taken = await errorOf(session.listen({ port: first.port }));
    expect(taken).toMatchObject({ stage: 'LISTEN', errnoName: 'EADDRINUSE' });
    const denied = await errorOf(session.listen({ host: '0.0.0.0' }));
    expect(denied).toMatchObject({ reason: 'LISTEN_DENIED' });
  });

  it('closes with a signal, and keeps what was taken', async () => {
    const session = await startSession();
    const controller = new AbortController();
    const listener = await session.listen({}, { signal: controller.signal });
    const local = connect(listener.port, '127.0.0.1');
    const { value: socket } = await listener.next();
    controller.abort();
    expect((await listener.next()).done).toBe(true);
    socket?.end('still here');
    expect(await text(local)).toBe('still here');
  });
});

describe('a broken connection to the server', () => {
  it('breaks what went over it, once, and new ones work', async () => {
    const { address } = await serveHere();
    const proxy = await startProxy(address);
    const session = await connectTo(proxy.address, QUICK).session();
    const listener = await session.listen();
    const next = errorOf(listener.next());
    const peer = createServer((socket) => socket.on('error', () => {}));
    const through = await session.connect(await listenHere(peer));
    const failed = once(through, 'error');
    proxy.cut();
    expect((await failed)[0]).toMatchObject({ code: 'INTERRUPTED' });
    expect(await next).toMatchObject({ code: 'INTERRUPTED' });
    expect(await listener.closed).toMatchObject({ code: 'INTERRUPTED' });
    const again = await session.listen();
    const anew = connect(again.port, '127.0.0.1');
    const { value: socket } = await again.next();
    socket?.end('anew');
    expect(await text(anew)).toBe('anew');
    again.close();
  });
});

async function refusedAt(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const refused = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(false));
    socket.once('error', () => resolve(true));
  });
  socket.destroy();
  return refused;
}
