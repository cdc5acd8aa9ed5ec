import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import { anybodyAuthenticator } from '../../src/identity/anybody.ts';
import { MAX_WAITING_CALLS } from '../../src/limits.ts';
import { certify, type Identity, makeAuthority } from '../support/certificates.ts';
import { serveHere } from '../support/harness.ts';
import { connectPlainly, endOf, openedTls, pairOf, shakeHands, tlsFolder } from '../support/tls.ts';

/*
 * What is done with the sockets of connections beside reading and writing them, where these
 * decrypt what comes from others.
 */

let server: Identity;

beforeAll(async () => {
  server = await certify('server', await makeAuthority('authority'));
});

/** A server that lets in whoever speaks TLS; no keepalive closes a connection of it. */
async function serveTls(handshakeMs = 60_000): Promise<Address> {
  const { files } = await tlsFolder(pairOf(server));
  const tls = await openedTls({ files: { cert: files.cert, key: files.key }, handshakeMs });
  const address: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
  const { runlet } = await serveHere({
    listeners: [{ address, auth: [anybodyAuthenticator()], tls }],
    keepaliveMs: 3_600_000,
  });
  return runlet.addresses[0] ?? address;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Settings that say nothing, and a ping that is too short: RFC 9113, section 6. */
const SETTINGS = Buffer.from('000000040000000000', 'hex');
const SHORT_PING = Buffer.from('0000050600000000000000000000', 'hex');

/** A connection on which some frames were sent, that reads all and answers nothing. */
async function connection(address: Address, ...frames: readonly Buffer[]): Promise<TLSSocket> {
  const socket = shakeHands(address);
  socket.resume();
  await once(socket, 'secureConnect');
  socket.write(Buffer.concat([PREFACE, SETTINGS, ...frames]));
  return socket;
}

describe('a connection over TLS', () => {
  it('is closed once its session is dead, and no other is', async () => {
    const address = await serveTls();
    const healthy = await connection(address);
    for (let i = 0; i < 2; i += 1) await endOf(await connection(address, SHORT_PING));
    expect([healthy.closed, healthy.readableEnded]).toEqual([false, false]);
  });

  it('is read on after it had more calls than can wait', async () => {
    const address = await serveTls();
    const session = connectHttp2('https://127.0.0.1', {
      createConnection: () => shakeHands(address),
    });
    onTestFinished(() => session.destroy());
    const calls = Array.from({ length: 20 * MAX_WAITING_CALLS }, () => {
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: '/runlet.v1.ServerService/GetServerInfo',
        [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
        [constants.HTTP2_HEADER_TE]: 'trailers',
      });
      // An empty message.
      stream.end(Buffer.alloc(5));
      stream.resume();
      return once(stream, 'trailers') as Promise<[Record<string, unknown>]>;
    });
    const statuses = (await Promise.all(calls)).map(([trailers]) => trailers['grpc-status']);
    expect(new Set(statuses)).toEqual(new Set(['0']));
  });
});

describe('handshakes that are never done', () => {
  it('leave nothing behind', async () => {
    const address = await serveTls(500);
    const before = socketsOpen();
    const sockets = await Promise.all(Array.from({ length: 100 }, () => connectPlainly(address)));
    const halves = sockets.map((socket, i) => {
      if (i % 2 === 0) socket.write(Buffer.from('160301', 'hex'));
      return endOf(socket);
    });
    expect(socketsOpen()).toBeGreaterThan(before);
    await Promise.all(halves);
    await expect.poll(socketsOpen).toBe(before);
  });
});

function socketsOpen(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}
