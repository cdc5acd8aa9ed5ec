import { once } from 'node:events';
import { createServer as createHttp, type IncomingMessage } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseEgressRule } from '../../../src/network/egress/egress-rule.ts';
import { environmentProxies } from '../../../src/network/http/proxy-for.ts';
import { certify } from '../../support/certificates.ts';
import { startHarness } from '../../support/harness.ts';
import { sendRequest } from '../../support/http-requests.ts';
import { startUpstream, trustedAuthority } from '../../support/https-upstream.ts';

describe('the variables of proxies', () => {
  const proxyOf = (env: Record<string, string>, url: string): string | undefined =>
    environmentProxies(env).proxyFor(new URL(url))?.url.href;

  it.each([
    [{ https_proxy: 'http://p:8080' }, 'https://x.test/', 'http://p:8080/'],
    [{ HTTPS_PROXY: 'http://p:8080' }, 'https://x.test/', 'http://p:8080/'],
    [{ HTTPS_PROXY: 'http://p:8080' }, 'http://x.test/', undefined],
    [{ http_proxy: 'p:8080' }, 'http://x.test/', 'http://p:8080/'],
    [{ HTTP_PROXY: 'p:8080' }, 'http://x.test/', 'http://p:8080/'],
    [{ HTTP_PROXY: 'p:8080', REQUEST_METHOD: 'GET' }, 'http://x.test/', undefined],
    [{ http_proxy: 'p:8080', REQUEST_METHOD: 'GET' }, 'http://x.test/', 'http://p:8080/'],
    [{ https_proxy: 'low:1', HTTPS_PROXY: 'up:2' }, 'https://x.test/', 'http://low:1/'],
    [{ all_proxy: 'p:1' }, 'https://x.test/', 'http://p:1/'],
    [{ ALL_PROXY: 'p:1', https_proxy: 'q:2' }, 'https://x.test/', 'http://q:2/'],
    [{ https_proxy: 'http://p' }, 'https://x.test/', 'http://p:1080/'],
    [{ https_proxy: 'http://p:80' }, 'https://x.test/', 'http://p/'],
    [{ https_proxy: 'https://p' }, 'https://x.test/', 'https://p/'],
    [{ https_proxy: 'http://u:s@p:3' }, 'https://x.test/', 'http://p:3/'],
    [{ https_proxy: '' }, 'https://x.test/', undefined],
  ])('%j have %s go through %s', (env, url, proxy) => {
    expect(proxyOf(env as unknown as Record<string, string>, url)).toBe(proxy);
  });

  it.each([
    ['*', 'x.test', true],
    ['x.test', 'x.test', true],
    ['x.test', 'a.x.test', true],
    ['.x.test', 'x.test', true],
    ['x.test', 'ax.test', false],
    ['X.Test.', 'x.test', true],
    ['a.test, x.test', 'x.test', true],
    ['a.test x.test', 'x.test', true],
    ['x.test:443', 'x.test', true],
    ['x.test:80', 'x.test', false],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.0.0.0/64', '10.1.2.3', false],
    ['[::1]', '[::1]', true],
    ['fd00::/8', '[fd12::1]', true],
    ['[::1', '[::1]', false],
  ])('no_proxy=%j is about %s: %s', (no_proxy, host, isExempt) => {
    const proxy = proxyOf({ https_proxy: 'p:1', no_proxy }, `https://${host}/`);
    expect(proxy === undefined).toBe(isExempt);
  });

  it.each(['socks5://p:1', 'http://', 'ftp://p', 'http://p:0'])(
    'have requests fail where they name %s',
    (https_proxy) => {
      const { any, problems, proxyFor } = environmentProxies({ https_proxy });
      expect([any, problems.length]).toEqual([true, 1]);
      expect(() => proxyFor(new URL('https://x.test/'))).toThrow('proxy cannot be used');
    },
  );
});

/** A proxy of the test, that connects to this machine whatever it is asked for. */
async function startProxy(
  { answer = '200 OK', tls }: { readonly answer?: string; readonly tls?: object } = {},
  to?: () => number,
) {
  const asked: { readonly target: string; readonly authorization: string | undefined }[] = [];
  const sockets = new Set<Duplex>();
  const server = tls === undefined ? createHttp() : createHttps(tls);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    asked.push({
      target: request.url ?? '',
      authorization: request.headers['proxy-authorization'],
    });
    socket.write(`HTTP/1.1 ${answer}\r\n\r\n`);
    if (to === undefined) return;
    const onward = connect({ host: '127.0.0.1', port: to() });
    sockets.add(onward);
    onward.on('error', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return { asked, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

describe('a request through a proxy', () => {
  it.each(['http', 'https'])(
    'reaches it over %s, has it connect to the address that was checked, and is let in there',
    async (scheme) => {
      const authority = await trustedAuthority();
      const upstream = await startUpstream((_request, response) => response.end('there'), {
        authority,
        hosts: ['api.example.test'],
      });
      const { certificate, key } = await certify('proxy', authority);
      const tls = scheme === 'https' ? { tls: { cert: certificate, key } } : {};
      const proxy = await startProxy(tls, () => upstream.port);
      const harness = await startHarness({
        httpTrust: authority.httpTrust,
        httpProxies: environmentProxies({
          https_proxy: `${scheme}://us%65r:p%40ss@127.0.0.1:${proxy.port}`,
        }),
        lookup: async () => ['192.0.2.7'],
      });
      const { connection, log, server, sessionId } = harness;
      const answered = await sendRequest(connection, {
        sessionId,
        url: 'https://api.example.test/',
      });
      expect(answered).toMatchObject({ status: 200, reason: undefined });
      expect(answered.body.toString()).toBe('there');
      const authorization = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
      expect(proxy.asked).toEqual([{ target: '192.0.2.7:443', authorization }]);
      // It is for the proxy alone.
      expect(upstream.asked[0]?.rawHeaders.join()).not.toContain(authorization);
      expect(log.join('')).not.toMatch(/p@ss|p%40ss/);
      expect((await server.getServerInfo({})).capabilities?.http?.proxied).toBe(true);
    },
  );

  it('is no way around the egress policy', async () => {
    const proxy = await startProxy();
    const { connection, sessionId } = await startHarness({
      httpProxies: environmentProxies({ all_proxy: `http://127.0.0.1:${proxy.port}` }),
      egressDeny: [parseEgressRule('denied.test'), parseEgressRule('198.51.100.0/24')],
      lookup: async (name) => [name === 'metadata.test' ? '169.254.169.254' : '198.51.100.1'],
    });
    for (const host of [
      'denied.test',
      'metadata.test',
      'other.test',
      '169.254.169.254',
      '[fe80::1]',
    ]) {
      for (const scheme of ['http', 'https']) {
        const { reason } = await sendRequest(connection, {
          sessionId,
          url: `${scheme}://${host}/`,
        });
        expect([host, reason]).toEqual([host, 'EGRESS_DENIED']);
      }
    }
    expect(proxy.asked).toEqual([]);
  });

  it.each([
    ['407 Proxy Authentication Required', 1],
    ['403 Forbidden', 1],
    // It may be another for the other address.
    ['502 Bad Gateway', 2],
  ])('fails where that answers %s', async (answer, times) => {
    const proxy = await startProxy({ answer });
    const { connection, sessionId } = await startHarness({
      httpProxies: environmentProxies({ all_proxy: `http://u:secret@127.0.0.1:${proxy.port}` }),
      lookup: async () => ['192.0.2.7', '192.0.2.8'],
    });
    const url = 'http://api.example.test/path?query';
    const answered = await sendRequest(connection, { sessionId, url });
    expect(answered.reason).toBe('HTTP_FAILED');
    expect(answered.failure).toContain(answer.slice(0, 3));
    expect(answered.failure).not.toMatch(/secret|query/);
    expect(proxy.asked).toHaveLength(times);
  });

  it('fails where that is not there', async () => {
    const gone = await startProxy();
    const { connection, sessionId } = await startHarness({
      // Nobody can listen at port 1 of this address.
      httpProxies: environmentProxies({ all_proxy: 'http://127.0.0.1:1' }),
      lookup: async () => ['192.0.2.7'],
    });
    const answered = await sendRequest(connection, { sessionId, url: 'http://x.test/' });
    expect(answered.reason).toBe('HTTP_FAILED');
    expect(answered.failure).toContain('proxy');
    expect(gone.asked).toEqual([]);
  });
});
