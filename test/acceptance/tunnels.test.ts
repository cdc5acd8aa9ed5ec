import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Client } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openConnection } from '../../src/client/connection.ts';
import { TunnelEnd } from '../../src/gen/runlet/v1/tunnel_pb.ts';
import { openedSince, ownDescriptors } from '../support/descriptors.ts';
import { startHarness } from '../support/harness.ts';
import { SOAK } from '../support/soak.ts';
import { connectedTunnel, type OpenTunnel, openTunnel, startPeer } from '../support/tunnels.ts';

const HOST = '127.0.0.1';
const MIB = 1024 * 1024;

/** A tunnel as a stream, for what speaks over one. */
function streamOf(tunnel: OpenTunnel): Duplex {
  return new Duplex({
    allowHalfOpen: true,
    read() {
      void tunnel.next().then(
        (response) => {
          if (response.case === 'data') this.push(Buffer.from(response.value));
          else if (response.case === 'eof') this.push(null);
        },
        (error: Error) => this.destroy(error),
      );
    },
    write(data: Buffer, _encoding, done) {
      void tunnel.write(data).then(() => done());
    },
    final(done) {
      tunnel.eof();
      done();
    },
  });
}

describe('traffic over tunnels', () => {
  it('is a protocol of lines, question after question, as databases speak it', async () => {
    const { connection, sessionId } = await startHarness();
    const server = createServer((socket) => {
      let rest = '';
      socket.on('error', () => {});
      socket.on('data', (data) => {
        const lines = (rest + data).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) socket.write(`${line.length}:${line}\n`);
      });
    }).listen(0, HOST);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const tunnel = await connectedTunnel(connection, { sessionId, host: HOST, port });
    for (let i = 0; i < 500; i++) {
      const query = `select ${'x'.repeat(i)}`;
      const answer = `${query.length}:${query}\n`;
      await tunnel.write(`${query}\n`);
      expect((await tunnel.read(answer.length)).toString()).toBe(answer);
    }
    tunnel.eof();
    expect((await tunnel.ended()).kind).toBe(TunnelEnd.CLOSED);
  });

  it('is HTTP/2, with many streams at once', async () => {
    const { connection, sessionId } = await startHarness();
    const server = http2.createServer();
    server.on('stream', (stream, headers) => {
      stream.respond({ ':status': 200 });
      stream.end(`${headers[':path']}${'y'.repeat(100_000)}`);
    });
    server.listen(0, HOST);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const tunnel = await connectedTunnel(connection, { sessionId, host: HOST, port });
    const client = http2.connect(`http://${HOST}`, { createConnection: () => streamOf(tunnel) });
    onTestFinished(() => client.destroy());
    const bodies = Array.from({ length: 50 }, async (_, i) => {
      const request = client.request({ ':path': `/${i}` });
      let body = '';
      for await (const data of request) body += data;
      return body;
    });
    for (const [i, body] of (await Promise.all(bodies)).entries()) {
      expect(body === `/${i}${'y'.repeat(100_000)}`).toBe(true);
    }
  });

  it('is a gibibyte both ways at once', async () => {
    const { connection, sessionId } = await startHarness();
    const peer = await startPeer();
    const tunnel = await connectedTunnel(connection, { sessionId, host: HOST, port: peer.port });
    const socket = await peer.accept();
    const piece = randomBytes(MIB);
    const pieces = SOAK ? 1024 : 256;
    const hashed = createHash('sha256');
    for (let i = 0; i < pieces; i++) hashed.update(piece);
    const expected = hashed.digest('hex');
    const feed = async (socket: Socket): Promise<void> => {
      for (let i = 0; i < pieces; i++) {
        if (!socket.write(piece)) await once(socket, 'drain');
      }
      socket.end();
    };
    const drain = async (socket: Socket): Promise<string> => {
      const hash = createHash('sha256');
      for await (const data of socket) hash.update(data as Buffer);
      return hash.digest('hex');
    };
    const upload = async (): Promise<void> => {
      for (let i = 0; i < pieces; i++) await tunnel.write(piece);
      tunnel.eof();
    };
    const download = async (): Promise<string> => {
      const hash = createHash('sha256');
      for (;;) {
        const response = await tunnel.next();
        if (response.case === 'eof') return hash.digest('hex');
        if (response.case !== 'data') throw new Error(`it says ${response.case}`);
        hash.update(response.value);
      }
    };
    const [up, down] = await Promise.all([drain(socket), download(), feed(socket), upload()]);
    expect({ up, down }).toEqual({ up: expected, down: expected });
    const bytes = BigInt(pieces * MIB);
    expect(await tunnel.expect('end')).toMatchObject({
      kind: TunnelEnd.CLOSED,
      sentBytes: bytes,
      receivedBytes: bytes,
    });
  });

  it('is that of a thousand at once', async () => {
    const { connection, sessionId } = await startHarness();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    }).listen({ host: HOST, port: 0, backlog: 2048 });
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const open = { sessionId, host: HOST, port };
    const tunnels = await Promise.all(
      Array.from({ length: 1000 }, () => connectedTunnel(connection, open)),
    );
    await Promise.all(
      tunnels.map(async (tunnel, i) => {
        const text = `this is tunnel ${i}`;
        await tunnel.write(text);
        expect((await tunnel.read(text.length)).toString()).toBe(text);
        tunnel.eof();
        expect((await tunnel.ended()).kind).toBe(TunnelEnd.CLOSED);
      }),
    );
  });
});

describe('tunnels that are cancelled at each phase, by the hundred', () => {
  it('leave nothing, and the other side sees it', async () => {
    const { address, connection, sessionId } = await startHarness();
    const peer = await startPeer();
    let open = 0;
    let broken = 0;
    peer.server.on('connection', (socket) => {
      open += 1;
      socket.on('error', () => {
        broken += 1;
      });
      socket.on('close', () => {
        open -= 1;
      });
      socket.resume();
    });
    const target = { sessionId, host: HOST, port: peer.port };
    const cancelAt = async (connection: Client, phase: number): Promise<void> => {
      const tunnel = openTunnel(connection, phase === 0 ? undefined : target);
      if (phase >= 2) await tunnel.expect('opened');
      if (phase === 3) await tunnel.write(Buffer.alloc(100_000));
      if (phase === 4) tunnel.eof();
      tunnel.cancel();
      await tunnel.over().catch(() => {});
    };
    await cancelAt(connection, 3);
    await expect.poll(() => open).toBe(0);
    const before = ownDescriptors();
    const batches = SOAK ? 8 : 2;
    for (let batch = 0; batch < batches; batch++) {
      // HTTP/2 libraries end a connection over which very many streams are cancelled.
      const other = openConnection(address);
      for (let round = 0; round < 10; round++) {
        await Promise.all(Array.from({ length: 25 }, (_, i) => cancelAt(other, i % 5)));
      }
      other.close();
    }
    await expect.poll(() => open).toBe(0);
    expect(broken).toBeGreaterThan(50 * batches);
    await expect.poll(() => openedSince(before)).toEqual([]);
  });
});
