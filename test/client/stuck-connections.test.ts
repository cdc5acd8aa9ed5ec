import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  createSecureServer,
  createServer,
  type Http2Session,
  type Http2Stream,
} from 'node:http2';
import { connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '../../src/bridge/create-client.ts';
import { openConnection } from '../../src/client/connection.ts';
import { deferred } from '../../src/client/deferred.ts';
import { clientSettings } from '../../src/client/options.ts';
import { ProcessService } from '../../src/gen/runlet/v1/process_pb.ts';
import { endTls } from '../../src/server/tls/tls-ending.ts';
import { certify, type Identity, makeAuthority } from '../support/certificates.ts';
import { openedTls, pairOf, tlsFolder } from '../support/tls.ts';

/*
 * A peer that resets a connection while what it sent last is still to be read, and to be answered:
 * the first answer is refused by the system, and Node.js never ends the second. No keepalive helps.
 */

const NO_KEEPALIVE_MS = 3_600_000;

/** Less than the window of a stream has, and several records of TLS; the begin of a long message. */
const CHUNKS = 6;
const CHUNK = Buffer.alloc(8192, 1);

let authority: Identity;
let server: Identity;

beforeAll(async () => {
  authority = await makeAuthority('authority');
  server = await certify('server', authority);
});

/** Sends what has to be answered, and what goes before and after it; then resets the connection. */
async function sendAndReset(session: Http2Session, stream: Http2Stream, raw: Socket) {
  stream.on('error', () => {});
  session.on('error', () => {});
  for (let i = 0; i < CHUNKS; i += 1) {
    session.ping(() => {});
    stream.write(CHUNK);
  }
  // All of it is handed to the system before this, and read by the peer after it.
  await new Promise((resolve) => setImmediate(resolve));
  raw.resetAndDestroy();
}

async function listeningAt(listener: ReturnType<typeof createTcpServer>): Promise<number> {
  onTestFinished(() => void listener.close());
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const bound = listener.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

describe('a connection over TLS whose writes are stuck', () => {
  it('is given up by a client', async () => {
    const raws: Socket[] = [];
    const http2 = createSecureServer({ key: server.key, cert: server.certificate });
    http2.on('stream', (stream) => {
      const { session } = stream;
      const raw = raws.at(-1);
      if (session === undefined || raw === undefined) throw new Error('there is no connection');
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      void sendAndReset(session, stream, raw);
    });
    const port = await listeningAt(
      createTcpServer((raw) => {
        raws.push(raw.on('error', () => {}));
        http2.emit('connection', raw);
      }),
    );
    const tls = { ca: authority.certificate };
    const settings = clientSettings({
      tls,
      keepaliveMs: NO_KEEPALIVE_MS,
      // So that it is to be told, too, that there is room for more.
      flowControlWindowBytes: 65_535,
    });
    const connection = openConnection({ kind: 'tcp', host: '127.0.0.1', port }, settings);
    onTestFinished(() => connection.close());
    const answers = createClient(ProcessService, connection).watchProcess({});
    await expect(answers[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 14 });
  });

  it('is given up by a server', async () => {
    const { files } = await tlsFolder(pairOf(server));
    const source = await openedTls({ files: { cert: files.cert, key: files.key } });
    const ending = endTls({ source, asksClients: false });
    onTestFinished(() => ending.close());
    const http2 = createServer().on('sessionError', () => {});
    http2.on('stream', (stream) => stream.on('error', () => {}).resume());
    const secured = deferred<TLSSocket>();
    const port = await listeningAt(
      createTcpServer((raw) =>
        ending.take(raw, (secure) => {
          secured.resolve(secure.on('error', () => {}));
          http2.emit('connection', secure);
        }),
      ),
    );
    const raw = connectTcp(port, '127.0.0.1').on('error', () => {});
    const ca = authority.certificate;
    const session: ClientHttp2Session = connectHttp2('https://127.0.0.1', {
      createConnection: () =>
        connectTls({ socket: raw, host: '127.0.0.1', ca, ALPNProtocols: ['h2'] }),
    });
    await once(session, 'remoteSettings');
    const closed = once(await secured.promise, 'close');
    await sendAndReset(session, session.request({ ':method': 'POST' }), raw);
    await closed;
  });
});
