import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { Agent, request as undiciRequest } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RemoteSession } from '../../../src/client/index.ts';
import { certify, makeAuthority } from '../../support/certificates.ts';
import { connectTo, errorOf, QUICK } from '../../support/client.ts';
import { serveHere } from '../../support/harness.ts';
import { listenHere } from '../../support/peers.ts';

async function startSession(): Promise<RemoteSession> {
  const { address } = await serveHere();
  return connectTo(address, QUICK).session();
}

/** Answers with its path and how many connections it had. */
async function startHttp(): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const server = createServer((request, response) => response.end(`at ${request.url}`));
  server.on('connection', () => {
    connections += 1;
  });
  const { port } = await listenHere(server);
  return { url: `http://127.0.0.1:${port}`, connections: () => connections };
}

/** The same over TLS, with a certificate for 127.0.0.1 by an authority of its own. */
async function startHttps(): Promise<{ url: string; ca: Buffer }> {
  const authority = await makeAuthority('an authority');
  const { certificate, key } = await certify('a server', authority);
  const server = createHttpsServer({ cert: certificate, key }, (request, response) =>
    response.end(`secret at ${request.url}`),
  );
  const { port } = await listenHere(server);
  return { url: `https://127.0.0.1:${port}`, ca: authority.certificate };
}

async function answerTo(
  sent: ReturnType<typeof httpRequest>,
): Promise<readonly [number | undefined, string]> {
  sent.end();
  const [response]: IncomingMessage[] = await once(sent, 'response');
  if (response === undefined) throw new Error('nothing came');
  return [response.statusCode, await text(response)];
}

describe('an agent of node:http over a session', () => {
  it('connects through the server, and uses connections again', async () => {
    const session = await startSession();
    const { connections, url } = await startHttp();
    const agent = session.httpAgent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    for (const path of ['/a', '/b', '/c']) {
      expect(await answerTo(httpRequest(url + path, { agent }))).toEqual([200, `at ${path}`]);
    }
    expect(connections()).toBe(1);
  });

  it('agrees on TLS with the other side itself', async () => {
    const session = await startSession();
    const { ca, url } = await startHttps();
    const agent = session.httpsAgent({ ca });
    onTestFinished(() => agent.destroy());
    expect(await answerTo(httpsRequest(`${url}/x`, { agent }))).toEqual([200, 'secret at /x']);
    const distrusting = session.httpsAgent();
    const sent = httpsRequest(url, { agent: distrusting });
    const [error] = await once(sent.end(), 'error');
    expect(error).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  it('tells a request why there is no connection', async () => {
    const session = await startSession();
    const server = createServer();
    const { port } = await listenHere(server);
    server.close();
    const sent = httpRequest({ host: '127.0.0.1', port, agent: session.httpAgent() });
    const [error] = await once(sent.end(), 'error');
    expect(error).toMatchObject({ stage: 'CONNECT', errnoName: 'ECONNREFUSED' });
  });
});

describe('undici over a session', () => {
  it('is given a connector, of whatever version it is', async () => {
    const session = await startSession();
    const { connections, url } = await startHttp();
    const dispatcher = new Agent({ connect: session.connector(), connections: 1 });
    onTestFinished(() => dispatcher.close());
    for (const path of ['/a', '/b']) {
      const { body, statusCode } = await undiciRequest(url + path, { dispatcher });
      expect([statusCode, await body.text()]).toEqual([200, `at ${path}`]);
    }
    expect(connections()).toBe(1);
  });

  it('is given a dispatcher', async () => {
    const session = await startSession();
    const { url } = await startHttp();
    const dispatcher = session.dispatcher(Agent);
    onTestFinished(() => dispatcher.close());
    const { body } = await undiciRequest(`${url}/x`, { dispatcher });
    expect(await body.text()).toBe('at /x');
  });

  it('agrees on TLS with the other side itself', async () => {
    const session = await startSession();
    const { ca, url } = await startHttps();
    const dispatcher = session.dispatcher(Agent, { tls: { ca } });
    onTestFinished(() => dispatcher.close());
    const { body } = await undiciRequest(`${url}/x`, { dispatcher });
    expect(await body.text()).toBe('secret at /x');
    const distrusting = session.dispatcher(Agent);
    onTestFinished(() => distrusting.close());
    const refused = await errorOf(undiciRequest(url, { dispatcher: distrusting }));
    expect(refused).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  it.each(['connector', 'dispatcher'] as const)('speaks HTTP/2 by a %s', async (how) => {
    const session = await startSession();
    const authority = await makeAuthority('an authority');
    const { certificate, key } = await certify('a server', authority);
    let connections = 0;
    const server = createSecureServer({ cert: certificate, key, allowHTTP1: true });
    server.on('secureConnection', () => {
      connections += 1;
    });
    server.on('request', (request, response) => {
      response.setHeader('x-version', request.httpVersion);
      request.pipe(response);
    });
    const { port } = await listenHere(server);
    const tls = { ca: authority.certificate };
    const connect = session.connector({ allowH2: true, tls });
    const dispatcher =
      how === 'connector'
        ? new Agent({ connect, allowH2: true, connections: 1 })
        : session.dispatcher(Agent, { allowH2: true, tls });
    onTestFinished(() => dispatcher.destroy());
    const ask = async (sent: string): Promise<readonly [unknown, boolean]> => {
      const url = `https://127.0.0.1:${port}/`;
      const given = await undiciRequest(url, { dispatcher, method: 'POST', body: sent });
      return [given.headers['x-version'], (await given.body.text()) === sent];
    };
    expect(await ask('first')).toEqual(['2.0', true]);
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(100_000));
    const answers = await Promise.all(texts.map(ask));
    expect(answers).toEqual(texts.map(() => ['2.0', true]));
    // How many it has is for the dispatcher to say.
    if (how === 'connector') expect(connections).toBe(1);
    // What does not offer it is answered as before.
    const plain = new Agent({ connect: session.connector({ tls }) });
    onTestFinished(() => plain.destroy());
    const { body, headers } = await undiciRequest(`https://127.0.0.1:${port}/`, {
      dispatcher: plain,
    });
    await body.dump();
    expect(headers['x-version']).toBe('1.1');
  });
});
