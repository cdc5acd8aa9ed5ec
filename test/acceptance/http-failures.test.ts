import { createServer as createTlsServer } from 'node:tls';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { RequestResponse } from '../../src/gen/runlet/v1/http_pb.ts';
import { Latch } from '../../src/latch.ts';
import { certify, makeAuthority } from '../support/certificates.ts';
import { startHarness } from '../support/harness.ts';
import { header, httpCall, httpFailure } from '../support/http-request.ts';
import { listening, startUpstream } from '../support/http-upstream.ts';

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

describe('a request without a whole answer', () => {
  it.each<[string, string, boolean, string]>([
    ['nothing', '', false, 'HEADER CLOSED'],
    ['a reset', '', true, 'HEADER ECONNRESET'],
    ['half of a head', 'HTTP/1.1 200 OK\r\ncont', false, 'HEADER CLOSED'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', false, 'HEADER INVALID_RESPONSE'],
    [
      'another protocol',
      'HTTP/1.1 101 X\r\nupgrade: y\r\nconnection: upgrade\r\n\r\n',
      false,
      'HEADER INVALID_RESPONSE',
    ],
    [
      'a long head',
      `HTTP/1.1 200 OK\r\na: ${'x'.repeat(70_000)}\r\n\r\n`,
      false,
      'HEADER HEADER_OVERFLOW',
    ],
    ['a short body', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc', false, 'BODY CLOSED'],
    ['no last chunk', `${CHUNKED}3\r\nabc\r\n`, false, 'BODY CLOSED'],
    ['a bad chunk', `${CHUNKED}3\r\nabc\r\nzz\r\n`, false, 'BODY INVALID_RESPONSE'],
  ])('fails for %s', async (_what, text, resets, failure) => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.write(text, () => {
        if (!resets) socket.end();
        // What was written is read before it.
        else setImmediate(() => socket.resetAndDestroy());
      });
      if (resets && text === '') socket.resetAndDestroy();
    });
    expect(await httpFailure(httpCall(harness, { url: upstream.origin }))).toBe(
      `HTTP_FAILED ${failure}`,
    );
    // Nothing was repeated.
    expect(upstream.connections).toHaveLength(1);
  });

  it('fails for a reset in a body that lasts until the connection ends', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.write('HTTP/1.1 200 OK\r\n\r\nabc');
    });
    async function* resetting(): AsyncGenerator<RequestResponse> {
      for await (const message of httpCall(harness, { url: upstream.origin })) {
        yield message;
        if (message.response.case === 'body') upstream.connections[0]?.socket.resetAndDestroy();
      }
    }
    expect(await httpFailure(resetting())).toBe('HTTP_FAILED BODY ECONNRESET');
  });

  it('fails where nobody listens, and where there is no such host', async () => {
    const harness = await startHarness();
    const server = createTlsServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await httpFailure(httpCall(harness, { url: `http://127.0.0.1:${port}` }))).toBe(
      'HTTP_FAILED CONNECT ECONNREFUSED',
    );
    expect(await httpFailure(httpCall(harness, { url: 'http://nowhere.invalid' }))).toMatch(
      /^HTTP_FAILED DNS (ENOTFOUND|EAI_AGAIN)$/,
    );
    expect(await httpFailure(httpCall(harness, { url: 'http://169.254.169.254' }))).toBe(
      'EGRESS_DENIED DENIED',
    );
  });

  it('fails where TLS is not agreed on', async () => {
    const harness = await startHarness();
    const plain = await startUpstream(({ socket }) => {
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    expect(
      await httpFailure(httpCall(harness, { url: `https://127.0.0.1:${plain.port}` })),
    ).toMatch(/^HTTP_FAILED TLS (ERR_SSL_|EPROTO)/);
    const { certificate, key } = await certify('it', await makeAuthority('nobody knows'));
    const port = await listening(createTlsServer({ key, cert: certificate }));
    expect(await httpFailure(httpCall(harness, { url: `https://127.0.0.1:${port}` }))).toBe(
      'HTTP_FAILED TLS UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    );
  });

  it.each([
    ['to itself', '/', 'LOOP'],
    ['further and further', '', 'TOO_MANY'],
    ['to another scheme', 'ftp://127.0.0.1/', 'SCHEME'],
    ['to no URL', 'http://', 'INVALID_RESPONSE'],
  ])('fails where it is led %s', async (_what, to, code) => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }, index) => {
      await has('\r\n\r\n');
      const location = to === '' ? `/${index + 1}` : to;
      socket.end(`HTTP/1.1 302 Found\r\nlocation: ${location}\r\nconnection: close\r\n\r\n`);
    });
    expect(await httpFailure(httpCall(harness, { url: upstream.origin }))).toBe(
      `HTTP_FAILED REDIRECT ${code}`,
    );
    expect(upstream.connections).toHaveLength(code === 'TOO_MANY' ? 11 : 1);
  });

  it('fails where what was streamed had to be sent again, or leads to what is denied', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.end('HTTP/1.1 307 X\r\nlocation: http://169.254.169.254/\r\n\r\n');
    });
    const { origin: url } = upstream;
    expect(await httpFailure(httpCall(harness, { method: 'POST', url }, ['some']))).toBe(
      'HTTP_FAILED REDIRECT STREAMED_BODY',
    );
    expect(await httpFailure(httpCall(harness, { url }))).toBe('EGRESS_DENIED DENIED');
  });

  it.each([
    ['gzip', Buffer.from('nope')],
    ['gzip', gzipSync('more than this').subarray(0, -3)],
    ['deflate', Buffer.from('nope')],
    ['br', Buffer.from('nope')],
    ['br', brotliCompressSync('more than this').subarray(0, -3)],
  ])('fails for what is not compressed as it says: %s, %o', async (coding, body) => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-encoding: ${coding}\r\ncontent-length: ${body.length}\r\n\r\n`,
      );
      socket.write(body);
    });
    const call = httpCall(harness, { url: upstream.origin, decompress: true });
    expect(await httpFailure(call)).toBe('HTTP_FAILED BODY INVALID_RESPONSE');
  });

  it.each([
    ['headerTimeout', 'HEADER', ''],
    ['idleTimeout', 'IDLE', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc'],
    ['timeout', 'TOTAL', ''],
  ])('fails after its %s, and ends on the wire', async (field, code, text) => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.write(text);
    });
    const time = { seconds: 0n, nanos: 200_000_000 };
    const call = httpCall(harness, { url: upstream.origin, [field]: time });
    expect(await httpFailure(call)).toBe(`HTTP_FAILED TIMEOUT ${code}`);
    await (await upstream.connected(1)).over;
  });

  it('fails where the body is not as long as its header says', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(() => {});
    const head = { method: 'PUT', url: upstream.origin, headers: [header('content-length', '4')] };
    expect(await httpFailure(httpCall(harness, head, ['12345']))).toBe('INVALID_REQUEST');
    expect(await httpFailure(httpCall(harness, head, ['123']))).toBe('INVALID_REQUEST');
    for (const { over } of upstream.connections) await over;
  });
});

describe('a call that is cancelled', () => {
  it.each(['request', 'header', 'body'])('ends the exchange while its %s comes', async (phase) => {
    const harness = await startHarness();
    const answers = new Latch();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      if (phase === 'body') socket.write(`${CHUNKED}3\r\nabc\r\n`);
      answers.open();
    });
    const cancelled = new AbortController();
    async function* pieces(): AsyncGenerator<string> {
      yield 'some';
      if (phase === 'request') await new Latch().wait(cancelled.signal);
    }
    const head = { method: 'POST', url: upstream.origin };
    const failed = httpFailure(httpCall(harness, head, pieces(), { signal: cancelled.signal }));
    const { over } = await upstream.connected(1);
    await answers.wait();
    cancelled.abort();
    await over;
    await failed;
  });
});
