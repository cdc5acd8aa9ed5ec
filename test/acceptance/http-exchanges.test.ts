import { createServer } from 'node:http';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Redirects } from '../../src/gen/runlet/v1/http_pb.ts';
import { Latch } from '../../src/latch.ts';
import { startHarness } from '../support/harness.ts';
import { header, httpCall, wholeAnswer } from '../support/http-request.ts';
import { listening, startUpstream } from '../support/http-upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

describe('a request', () => {
  it('has its method, path, and headers with their bytes in order', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.write(OK);
    });
    const headers = [
      header('X-One', 'a'),
      header('b', '\xff\x80 \t'),
      header('x-one', 'c'),
      header('Empty', ''),
    ];
    const url = `${upstream.origin}/a%20b?c=d#not`;
    const answer = await wholeAnswer(httpCall(harness, { method: 'GET', url, headers }));
    expect(answer).toMatchObject({
      status: 200,
      finalUrl: url.replace('#not', ''),
      version: '1.1',
    });
    const { received } = await upstream.connected(1);
    expect(received()).toBe(
      `GET /a%20b?c=d HTTP/1.1\r\nhost: 127.0.0.1:${upstream.port}\r\nX-One: a\r\n` +
        'b: \xff\x80 \t\r\nx-one: c\r\nEmpty: \r\nConnection: keep-alive\r\n\r\n',
    );
  });

  it.each(['get', 'PROPFIND', 'Mixed', 'DELETE'])('has the method %s', async (method) => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.write(OK);
    });
    await wholeAnswer(httpCall(harness, { method, url: upstream.origin }));
    const { received } = await upstream.connected(1);
    expect(received().startsWith(`${method} / HTTP/1.1\r\n`)).toBe(true);
  });

  it('has a host and a length that were given where they were given', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('hello');
      socket.write(OK);
    });
    const headers = [header('a', 'b'), header('Host', 'other'), header('Content-Length', '5')];
    const call = httpCall(harness, { method: 'PUT', url: upstream.origin, headers }, ['he', 'llo']);
    await wholeAnswer(call);
    const { received } = await upstream.connected(1);
    expect(received()).toBe(
      'PUT / HTTP/1.1\r\na: b\r\nHost: other\r\nContent-Length: 5\r\n' +
        'Connection: keep-alive\r\n\r\nhello',
    );
  });

  it('has a short body with its length, and a streamed one in chunks', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('short');
      socket.write(OK);
      await has('0\r\n\r\n');
      socket.write(OK);
    });
    const url = upstream.origin;
    await wholeAnswer(httpCall(harness, { method: 'POST', url, body: Buffer.from('short') }));
    await wholeAnswer(httpCall(harness, { method: 'POST', url }, ['one', '', 'two']));
    expect(upstream.connections).toHaveLength(1);
    const { received } = await upstream.connected(1);
    expect(received()).toContain('content-length: 5\r\n');
    const second = received().slice(received().indexOf('short') + 5);
    expect(second).toContain('transfer-encoding: chunked\r\n');
    expect(second.endsWith('\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n')).toBe(true);
  });

  it('has its head sent by a piece without bytes, and not before', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nearly\r\n');
      await has('late');
      socket.write('4\r\nlate\r\n0\r\n\r\n');
    });
    const may = new Latch();
    const told = new Latch();
    async function* pieces(): AsyncGenerator<string> {
      await may.wait();
      yield '';
      await told.wait();
      yield 'late';
    }
    const call = httpCall(harness, { method: 'POST', url: upstream.origin }, pieces());
    const bodies: string[] = [];
    const read = async (): Promise<void> => {
      for await (const { response } of call) {
        if (response.case !== 'body') continue;
        bodies.push(Buffer.from(response.value).toString());
        told.open();
      }
    };
    const whole = read();
    const { received } = await upstream.connected(1);
    expect(received()).toBe('');
    may.open();
    await whole;
    expect(bodies.join('')).toBe('earlylate');
  });
});

describe('an answer', () => {
  it('has its headers with their bytes in order, and its trailers', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.write(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n' +
          'HTTP/1.1 299 Odd\r\nSet-Cookie: a=1\r\nX: \xfe\xff\r\nset-cookie: b=2\r\n' +
          'Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n0\r\nT-One: \xe4\r\nt-two: 2\r\n\r\n',
        'latin1',
      );
    });
    const answer = await wholeAnswer(httpCall(harness, { url: upstream.origin }));
    expect(answer).toEqual({
      status: 299,
      headers: ['set-cookie: a=1', 'x: \xfe\xff', 'set-cookie: b=2', 'transfer-encoding: chunked'],
      body: Buffer.from('abc'),
      trailers: ['t-one: \xe4', 't-two: 2'],
      truncated: false,
      finalUrl: `${upstream.origin}/`,
      redirectedUrls: [],
      version: '1.1',
    });
  });

  it.each([
    ['HEAD', '200 OK', 'content-length: 5\r\ncontent-encoding: gzip\r\n'],
    ['GET', '204 No Content', ''],
    ['GET', '304 Not Modified', 'content-length: 5\r\ncontent-encoding: gzip\r\n'],
  ])('to %s with %s has no body', async (method, status, headers) => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.write(`HTTP/1.1 ${status}\r\n${headers}\r\n`);
    });
    const call = httpCall(harness, { method, url: upstream.origin, decompress: true });
    const answer = await wholeAnswer(call);
    expect(answer.body).toHaveLength(0);
    expect(answer.headers.map((line) => `${line}\r\n`).join('')).toBe(headers);
  });

  it('of HTTP/1.0 lasts until the connection ends', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.end('HTTP/1.0 200 OK\r\n\r\nall of it');
    });
    const answer = await wholeAnswer(httpCall(harness, { url: upstream.origin }));
    expect(answer).toMatchObject({ version: '1.0', body: Buffer.from('all of it') });
  });

  it('may be whole while the request is not', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('some');
      socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nno!');
    });
    const never = new Latch();
    async function* pieces(): AsyncGenerator<string> {
      yield 'some';
      await never.wait();
    }
    const call = httpCall(harness, { method: 'POST', url: upstream.origin }, pieces());
    expect(await wholeAnswer(call)).toMatchObject({ status: 413, body: Buffer.from('no!') });
    // What it was sent over is not used again, and it sees that the request was cut.
    const { over, received } = await upstream.connected(1);
    await over;
    expect(received()).not.toContain('\r\n0\r\n');
    never.open();
  });

  const text = 'much of the same '.repeat(20_000);
  it.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
  ])('in %s comes as it is, and decompressed when asked', async (coding, compressed) => {
    const harness = await startHarness();
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-encoding': coding, 'content-length': compressed.length });
      response.end(compressed);
    });
    const url = `http://127.0.0.1:${await listening(server)}`;
    const plain = await wholeAnswer(httpCall(harness, { url }));
    expect(plain.body.equals(compressed)).toBe(true);
    expect(plain.headers).toContain(`content-encoding: ${coding}`);
    const decoded = await wholeAnswer(httpCall(harness, { url, decompress: true }));
    expect(decoded.body.toString() === text).toBe(true);
    expect(decoded.headers.join()).not.toMatch(/content-(encoding|length)/);
  });

  it('is as long as was asked for, and not received beyond', async () => {
    const harness = await startHarness();
    const upstream = await startUpstream(async ({ has, socket }, index) => {
      await has('\r\n\r\n');
      const length = index === 0 ? 20 : 10;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n0123456789`);
    });
    const url = upstream.origin;
    const cut = await wholeAnswer(httpCall(harness, { url, maxBodyBytes: 4n }));
    expect(cut).toMatchObject({ body: Buffer.from('0123'), truncated: true });
    await (await upstream.connected(1)).over;
    const whole = await wholeAnswer(httpCall(harness, { url, maxBodyBytes: 10n }));
    expect(whole).toMatchObject({ body: Buffer.from('0123456789'), truncated: false });
  });

  it('that is a bomb takes no memory: it is decompressed as it is taken', async () => {
    const harness = await startHarness();
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync(Buffer.alloc(256 * 1024 * 1024)));
    });
    const url = `http://127.0.0.1:${await listening(server)}`;
    const call = httpCall(harness, { url, decompress: true, maxBodyBytes: 100_000n });
    expect(await wholeAnswer(call)).toMatchObject({ truncated: true });
  });
});

describe('a redirect', () => {
  it('is followed with what belongs there, or told', async () => {
    const harness = await startHarness();
    const other = await startUpstream(async ({ has, socket }) => {
      await has('\r\n\r\n');
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    });
    const upstream = await startUpstream(async ({ has, socket }) => {
      await has('body');
      const location = `http://user:secret@127.0.0.1:${other.port}/there#part`;
      socket.write(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nconnection: close\r\n\r\n`);
      socket.end();
    });
    const head = {
      method: 'POST',
      url: `${upstream.origin}/here`,
      headers: [
        ...['Authorization', 'Cookie', 'Proxy-Authorization', 'Host'].map((n) => header(n, 'x')),
        header('content-type', 'text/plain'),
        header('Kept', 'y'),
      ],
    };
    const answer = await wholeAnswer(httpCall(harness, head, ['body']));
    expect(answer).toMatchObject({
      body: Buffer.from('ok'),
      finalUrl: `${other.origin}/there`,
      redirectedUrls: [`${upstream.origin}/here`],
    });
    const { received } = await other.connected(1);
    expect(received()).toBe(
      `GET /there HTTP/1.1\r\nhost: 127.0.0.1:${other.port}\r\nKept: y\r\n` +
        'Connection: keep-alive\r\n\r\n',
    );
    const told = await wholeAnswer(
      httpCall(harness, { ...head, redirects: Redirects.STOP }, ['body']),
    );
    expect(told).toMatchObject({ status: 302, redirectedUrls: [] });
  });

  it('with 307 has the short body sent again', async () => {
    const harness = await startHarness();
    const server = createServer((request, response) => {
      if (request.url === '/') response.writeHead(307, { location: 'again' }).end();
      else request.pipe(response);
    });
    const url = `http://127.0.0.1:${await listening(server)}`;
    const call = httpCall(harness, { method: 'POST', url, body: Buffer.from('twice') });
    expect(await wholeAnswer(call)).toMatchObject({
      body: Buffer.from('twice'),
      finalUrl: `${url}/again`,
    });
  });
});
