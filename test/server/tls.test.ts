import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import type { ConnectionOptions } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import { anybodyAuthenticator } from '../../src/identity/anybody.ts';
import { certify, type Identity, makeAuthority } from '../support/certificates.ts';
import { connectTo, errorOf } from '../support/client.ts';
import { serveHere } from '../support/harness.ts';
import { PATH } from '../support/shell.ts';
import {
  connectPlainly,
  endOf,
  type KeptLog,
  keptLog,
  openedTls,
  pairOf,
  shakeHands,
  tlsFolder,
  trusting,
} from '../support/tls.ts';

const env = { PATH };

let authority: Identity;
let server: Identity;

beforeAll(async () => {
  authority = await makeAuthority('authority');
  server = await certify('server', authority);
});

interface TlsServer extends KeptLog {
  readonly address: Address;
}

/** A server that lets in whoever speaks TLS. */
async function serveTls(handshakeMs = 60_000): Promise<TlsServer> {
  const log = keptLog();
  const { files } = await tlsFolder(pairOf(server));
  const { cert, key } = files;
  const tls = await openedTls({ files: { cert, key }, handshakeMs, logger: log.logger });
  const address: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
  const { runlet } = await serveHere({
    listeners: [{ address, auth: [anybodyAuthenticator()], tls }],
    logger: log.logger,
  });
  return { ...log, address: runlet.addresses[0] ?? address };
}

/** That a server is well: whoever speaks to it as one should is served. */
async function expectServed(address: Address): Promise<void> {
  const client = connectTo(address, { credentials: trusting(authority) });
  const { stdout } = await client.run(['echo', 'hello'], { env });
  expect(stdout.toString()).toBe('hello\n');
}

describe('a listener with TLS', () => {
  it('serves clients that trust its certificate', async () => {
    const { address } = await serveTls();
    await expectServed(address);
  });

  it('carries much output, and input', async () => {
    const { address } = await serveTls();
    const client = connectTo(address, { credentials: trusting(authority) });
    const input = Buffer.alloc(20 * 1024 * 1024, 'abcdefg');
    const { stdout } = await client.run(['cat'], { env, input });
    expect(stdout.equals(input)).toBe(true);
  });

  it('speaks TLS 1.3 and 1.2, and nothing older', async () => {
    const { address } = await serveTls();
    for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
      const socket = shakeHands(address, { minVersion: version, maxVersion: version });
      await once(socket, 'secureConnect');
      expect([socket.getProtocol(), socket.alpnProtocol]).toEqual([version, 'h2']);
    }
    const old: ConnectionOptions = {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    };
    expect(await endOf(shakeHands(address, old))).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    await expectServed(address);
  });

  it('refuses suites that HTTP/2 prohibits', async () => {
    const { address } = await serveTls();
    for (const ciphers of ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA']) {
      const socket = shakeHands(address, { maxVersion: 'TLSv1.2', ciphers });
      expect(await endOf(socket)).toMatch(/HANDSHAKE_FAILURE/);
    }
  });

  it('refuses a protocol other than HTTP/2 with the alert for that', async () => {
    const { address } = await serveTls();
    const socket = shakeHands(address, { ALPNProtocols: ['http/1.1'] });
    expect(await endOf(socket)).toMatch(/ALERT_NO_APPLICATION_PROTOCOL/);
    await expectServed(address);
  });

  it('cuts a client that names no protocol, before it has said anything', async () => {
    const { address, lines } = await serveTls();
    const socket = shakeHands(address, { ALPNProtocols: undefined });
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    await endOf(socket);
    expect(Buffer.concat(received).toString()).toBe('');
    expect(lines).toContainEqual(expect.objectContaining({ code: 'NO_ALPN' }));
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes no session of %s', async (version) => {
    const { address } = await serveTls();
    const versions = { minVersion: version, maxVersion: version };
    const first = shakeHands(address, versions);
    const sessions: Buffer[] = [];
    first.on('session', (session) => sessions.push(session));
    await once(first, 'secureConnect');
    // What comes behind the handshake has come when an answer has.
    const http2 = connectHttp2('https://127.0.0.1', { createConnection: () => first });
    await once(http2, 'remoteSettings');
    http2.destroy();
    const [session] = sessions;
    const again = shakeHands(address, { ...versions, ...(session ? { session } : {}) });
    await once(again, 'secureConnect');
    expect(again.isSessionReused()).toBe(false);
  });

  it('refuses renegotiation, and goes on', async () => {
    const { address } = await serveTls();
    const socket = shakeHands(address, { maxVersion: 'TLSv1.2' });
    await once(socket, 'secureConnect');
    const ended = endOf(socket);
    const answer = new Promise<unknown>((resolve) => {
      socket.renegotiate({ rejectUnauthorized: false }, resolve);
      void ended.then(resolve);
    });
    expect(String((await answer) ?? 'renegotiated')).toMatch(/NO_RENEGOTIATION/);
    await expectServed(address);
  });

  it.each([
    ['a request of HTTP/1', 'GET / HTTP/1.1\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a record of TLS with nothing that makes sense in it', '\x16\x03\x01\x00\x05hello'],
    ['garbage', '\xff'.repeat(70_000)],
  ])('cuts who sends %s instead of a handshake', async (_, text) => {
    const { address, lines } = await serveTls();
    const socket = await connectPlainly(address);
    socket.write(Buffer.from(text, 'latin1'));
    await endOf(socket);
    const failed = { level: 20, msg: 'TLS handshake failed' };
    expect(lines).toContainEqual(expect.objectContaining(failed));
    await expectServed(address);
  });

  it('survives garbage within a connection', async () => {
    const { address } = await serveTls();
    const socket = shakeHands(address);
    await once(socket, 'secureConnect');
    socket.write('garbage'.repeat(100));
    await endOf(socket);
    await expectServed(address);
  });

  it('survives records that were changed on their way', async () => {
    const { address } = await serveTls();
    const raw = await connectPlainly(address);
    const socket = shakeHands(address, { socket: raw });
    await once(socket, 'secureConnect');
    raw.write(Buffer.from('\x17\x03\x03\x00\x20'.padEnd(37, 'x'), 'latin1'));
    await endOf(raw);
    await expectServed(address);
  });

  it.each(['says nothing', 'stops in the middle of its handshake', 'sends a byte now and then'])(
    'cuts a client that %s, in time',
    async (which) => {
      const { address } = await serveTls(300);
      const socket = await connectPlainly(address);
      const hello = Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1');
      if (which !== 'says nothing') socket.write(hello);
      let dribble: NodeJS.Timeout | undefined;
      if (which === 'sends a byte now and then') {
        dribble = setInterval(() => socket.write('\0'), 50);
      }
      onTestFinished(() => clearInterval(dribble));
      await endOf(socket);
      await expectServed(address);
    },
  );

  it('leaves a connection alone after its handshake', async () => {
    const { address } = await serveTls(200);
    const socket = shakeHands(address);
    await once(socket, 'secureConnect');
    const http2 = connectHttp2('https://127.0.0.1', { createConnection: () => socket });
    await once(http2, 'remoteSettings');
    // Longer than a handshake may take: what was begun after it is cut before.
    const later = await connectPlainly(address);
    await endOf(later);
    await new Promise<void>((resolve, reject) => {
      http2.ping((error) => (error === null ? resolve() : reject(error)));
    });
    http2.destroy();
  });

  it('tells a client without TLS that nobody is there for it', async () => {
    const { address } = await serveTls();
    const error = await errorOf(connectTo(address, { connectTimeoutMs: 0 }).session());
    expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: false });
  });
});

describe('a listener without TLS', () => {
  it('cuts a client that speaks it', async () => {
    const listener: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
    const { runlet } = await serveHere({
      listeners: [{ address: listener, auth: [anybodyAuthenticator()] }],
    });
    const address = runlet.addresses[0] ?? listener;
    expect(await endOf(shakeHands(address))).not.toBe('closed');
    const secure = { connectTimeoutMs: 0, credentials: trusting(authority) };
    const error = await errorOf(connectTo(address, secure).session());
    expect(error).toMatchObject({ name: 'ConnectionError', outcomeUnknown: false });
  });
});

describe('a server that shuts down', () => {
  it('does not wait for handshakes', async () => {
    const { files } = await tlsFolder(pairOf(server));
    const tls = await openedTls({ files: { cert: files.cert, key: files.key } });
    const listener: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
    const { runlet } = await serveHere({
      listeners: [{ address: listener, auth: [anybodyAuthenticator()], tls }],
    });
    const socket = await connectPlainly(runlet.addresses[0] ?? listener);
    const ended = endOf(socket);
    await runlet.shutdown();
    await ended;
  });
});
