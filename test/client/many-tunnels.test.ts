import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RemoteSession, RemoteSocket } from '../../src/client/index.ts';
import { connectTo, QUICK } from '../support/client.ts';
import { serve } from '../support/served.ts';

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024);

/** On a server that is a process of its own: what one of both waits for the other can do. */
async function startSession(): Promise<RemoteSession> {
  const { address } = await serve();
  return connectTo(address, QUICK).session();
}

/** A peer that does something with each of many connections, and where it is. */
async function startPeer(
  onConnection: (socket: Socket) => void,
): Promise<{ host: string; port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.listen({ host: '127.0.0.1', port: 0, backlog: 2048 });
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return { host: '127.0.0.1', port: address.port };
}

function sendMuch(socket: Socket | RemoteSocket, bytes: number): void {
  let left = bytes;
  const send = (): void => {
    while (left > 0) {
      left -= PIECE.length;
      if (!socket.write(PIECE)) {
        socket.once('drain', send);
        return;
      }
    }
    socket.end();
  };
  send();
}

describe('many connections over one to the server', () => {
  // An HTTP/2 session of Node.js reads nothing while a write of its own waits. They cannot wait for
  // each other: without a larger window of the server's, what is sent to it and not yet taken is
  // less than a socket holds, so that the client's writes end.
  it.each([16, 64])('carry much both ways at once: %i', async (count) => {
    const session = await startSession();
    const bytes = 8 * MIB;
    let taken = 0;
    const target = await startPeer((socket) => {
      socket.on('data', (data) => {
        taken += data.length;
      });
      sendMuch(socket, bytes);
    });
    const sockets = await Promise.all(Array.from({ length: count }, () => session.connect(target)));
    // Nothing is read here before all is on its way that can be.
    for (const socket of sockets) sendMuch(socket, bytes);
    await Promise.all(
      sockets.map((socket) => socket.readableLength > 0 || once(socket, 'readable')),
    );
    const each = sockets.map(async (socket) => {
      let got = 0;
      for await (const piece of socket.iterator({ destroyOnReturn: false })) got += piece.length;
      if (!socket.closed) await once(socket, 'close');
      return got;
    });
    const got = await Promise.all(each);
    expect(got.every((received) => received === bytes)).toBe(true);
    // The last of it may be in the socket of the other side yet.
    await expect.poll(() => taken).toBe(count * bytes);
  });

  it('are a thousand, each with what is its own', async () => {
    const session = await startSession();
    const target = await startPeer((socket) => socket.pipe(socket));
    const answers = Array.from({ length: 1000 }, async (_, i) => {
      const socket = await session.connect(target);
      const text = `this is connection ${i}`;
      socket.end(text);
      const pieces: Buffer[] = [];
      for await (const piece of socket.iterator({ destroyOnReturn: false })) pieces.push(piece);
      return Buffer.concat(pieces).toString() === text;
    });
    expect((await Promise.all(answers)).every(Boolean)).toBe(true);
  });
});
