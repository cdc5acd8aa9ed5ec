import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createTls } from 'node:https';
import { connect as netConnect } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { certify, makeAuthority } from '../support/certificates.ts';
import { cliUser } from '../support/cli-user.ts';
import {
  closed,
  connectTo,
  forwarding,
  listening,
  printed,
  readAll,
} from '../support/forwarding.ts';
import { serveHere } from '../support/harness.ts';
import { hasTool } from '../support/needed-tools.ts';
import { startWebServer } from '../support/web-server.ts';

const run = promisify(execFile);

const hasCurl = hasTool('curl', '--version');
if (!hasCurl) process.stderr.write('skipped: the proxies of `runlet forward` need curl\n');

/** Both proxies of a server of runlet: their addresses. */
async function proxies(): Promise<{ readonly socks: string; readonly http: string }> {
  const { address } = await serveHere();
  const user = await cliUser(address);
  const { listens } = await forwarding(user, ['--socks', '0', '--http-proxy', '0'], 2);
  const [socks = '', http = ''] = listens;
  return { socks, http };
}

interface Curled {
  readonly code: number;
  readonly stdout: string;
}

/** What curl(1) gets, which is told of no other proxy. */
async function curl(...args: readonly string[]): Promise<Curled> {
  const all = ['-sS', '-m', '60', '--noproxy', '', ...args];
  try {
    const { stdout } = await run('curl', all);
    return { code: 0, stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, stdout };
  }
}

/** What a proxy answers to bytes, to its end. */
async function answerTo(proxy: string, said: string | Buffer): Promise<Buffer> {
  const socket = await connectTo(proxy);
  socket.write(said);
  return readAll(socket);
}

describe.skipIf(!hasCurl)('curl through a SOCKS proxy', () => {
  it.each(['socks5h', 'socks5', 'socks4', 'socks4a'])('of %s', async (scheme) => {
    const { socks } = await proxies();
    const web = await startWebServer();
    const answer = await curl('-x', `${scheme}://${socks}`, `${web.url}/hello`);
    expect(answer).toEqual({ code: 0, stdout: 'hello\n' });
  });

  it('names hosts to the server as they are', async () => {
    const { socks } = await proxies();
    const web = await startWebServer();
    const url = `http://localhost:${web.port}/echo`;
    const answer = await curl('-x', `socks5h://${socks}`, '-d', 'x=1', url);
    expect(answer).toEqual({ code: 0, stdout: 'POST x=1\n' });
    // No name of this machine, nor of any other.
    const unknown = await curl('-x', `socks5h://${socks}`, 'http://no-such-host.invalid/');
    expect(unknown.code).toBe(97);
  });

  it('is told of what is refused and what is denied', async () => {
    const { socks } = await proxies();
    const request = (...address: readonly number[]): Buffer =>
      Buffer.from([5, 1, 0, 5, 1, 0, 1, ...address, 0, 1]);
    const refused = await answerTo(socks, request(127, 0, 0, 1));
    expect([...refused.subarray(0, 4)]).toEqual([5, 0, 5, 5]);
    const denied = await answerTo(socks, request(169, 254, 169, 254));
    expect([...denied.subarray(0, 4)]).toEqual([5, 0, 5, 2]);
  });

  it('takes requests in any pieces, also with what follows them', async () => {
    const { socks } = await proxies();
    const web = await startWebServer();
    const port = [web.port >> 8, web.port & 255];
    const said = Buffer.concat([
      Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, ...port]),
      Buffer.from('GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
    ]);
    expect((await answerTo(socks, said)).toString('latin1')).toContain('hello\n');
    const socket = await connectTo(socks);
    socket.setNoDelay();
    for (const byte of said) {
      await new Promise<void>((resolve) => socket.write(Buffer.of(byte), () => resolve()));
    }
    expect((await readAll(socket)).toString('latin1')).toContain('hello\n');
  });

  it('ends connections that speak something else, and takes others', async () => {
    const { socks } = await proxies();
    const web = await startWebServer();
    expect(await answerTo(socks, 'GET / HTTP/1.1\r\n\r\n')).toHaveLength(0);
    expect([...(await answerTo(socks, Buffer.from([5, 1, 2])))]).toEqual([5, 255]);
    const half = await connectTo(socks);
    half.end(Buffer.from([5]));
    expect(await readAll(half)).toHaveLength(0);
    const answer = await curl('-x', `socks5://${socks}`, `${web.url}/hello`);
    expect(answer.stdout).toBe('hello\n');
  });
});

describe.skipIf(!hasCurl)('curl through an HTTP proxy', () => {
  it('asks for plain HTTP', async () => {
    const { http } = await proxies();
    const web = await startWebServer();
    const url = `${web.url}/echo?a=%20b`;
    const answer = await curl('-x', `http://${http}`, '-H', 'X-One: 1', '-d', 'x=1', url);
    expect(answer).toEqual({ code: 0, stdout: 'POST x=1\n' });
    expect(web.asked).toEqual(['POST /echo?a=%20b']);
    const sent = (web.headers[0] ?? []).map((text) => text.toLowerCase());
    expect(sent).toContain('x-one');
    expect(sent).not.toContain('proxy-connection');
    expect(sent[sent.indexOf('host') + 1]).toBe(`127.0.0.1:${web.port}`);
  });

  it('sends a body whose length is not known, and gets the status and headers of the answer', async () => {
    const { http } = await proxies();
    const web = await startWebServer();
    const chunked = ['-H', 'Transfer-Encoding: chunked', '-d', 'in chunks'];
    const echo = await curl('-x', `http://${http}`, ...chunked, `${web.url}/echo`);
    expect(echo.stdout).toBe('POST in chunks\n');
    const moved = await curl('-x', `http://${http}`, '-i', `${web.url}/moved`);
    expect(moved.stdout).toMatch(/^HTTP\/1\.1 302 Found\r\nlocation: \/hello\r\n/);
    const head = await curl('-x', `http://${http}`, '-I', `${web.url}/hello`);
    expect(head.stdout).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain\r\n/);
  });

  it('tunnels TLS', async () => {
    const { http } = await proxies();
    const authority = await makeAuthority('authority');
    const { certificate, key } = await certify('server', authority, { hosts: ['localhost'] });
    const port = await listening(
      createTls({ cert: certificate, key }, (_, response) => void response.end('by TLS\n')),
    );
    const answer = await curl('-k', '-x', `http://${http}`, `https://localhost:${port}/`);
    expect(answer).toEqual({ code: 0, stdout: 'by TLS\n' });
  });

  it.each(['part', 'part-open'])('sees a body that is cut as cut: %s', async (page) => {
    const { http } = await proxies();
    const web = await startWebServer();
    const child = spawn('curl', [
      '-sSN',
      '-x',
      `http://${http}`,
      '--noproxy',
      '',
      `${web.url}/${page}`,
    ]);
    const ended = once(child, 'close');
    await printed(child, 'a part');
    web.cut();
    expect((await ended)[0]).toBe(18);
  });

  it.each([
    ['http://127.0.0.1:1/', 502, 'connection refused\n'],
    ['http://no-such-host.invalid/', 502, 'no such host\n'],
    [
      'http://169.254.169.254/latest',
      403,
      'the operator of the server does not let connections go there\n',
    ],
  ])('is told why %s has no answer', async (url, status, why) => {
    const { http } = await proxies();
    const plain = await curl('-x', `http://${http}`, '-w', '%{http_code}', url);
    expect(plain).toEqual({ code: 0, stdout: `${why}${status}` });
    const tunneled = await curl('-x', `http://${http}`, '-p', '-w', '%{http_connect}', url);
    expect(tunneled).toEqual({ code: 56, stdout: String(status) });
  });

  it.each([
    ['GET / HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['GET ftp://host/ HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['GET https://host/ HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['GET http://me:secret@host/ HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['CONNECT host HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['CONNECT host:0 HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['CONNECT http://host:80/ HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['\x05\x01\x00', 400],
    [`GET http://h/ HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, 431],
  ])('answers what is not for a proxy: %#', async (said, status) => {
    const { http } = await proxies();
    const answer = (await answerTo(http, said)).toString('latin1');
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).not.toContain('secret');
  });

  it('ends what its client has left', async () => {
    const { http } = await proxies();
    const web = await startWebServer();
    const at = http.lastIndexOf(':');
    const socket = netConnect(Number(http.slice(at + 1)), http.slice(0, at));
    socket.write(`GET ${web.url}/silent HTTP/1.1\r\nhost: x\r\n\r\n`);
    await expect.poll(() => web.asked).toEqual(['GET /silent']);
    socket.destroy();
    await closed(web.sockets[0]);
  });
});
