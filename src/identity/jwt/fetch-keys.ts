import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isLoopback } from '../../address.ts';
import type { Clock } from '../../clock.ts';
import { JWKS_FETCH_MS, MAX_JWKS_BYTES } from '../../limits.ts';

/**
 * Reads the URL of a set of keys. Whoever can change what comes from there is let in as anybody,
 * so it has to be https, but on this machine.
 *
 * @throws Error that says what is wrong with it, without the URL: it may hold a password
 */
export function keyUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Error('it is no URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw new Error('a URL with a user or a password is not taken');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.protocol === 'https:') return url;
  if (url.protocol === 'http:' && isLoopback({ kind: 'tcp', host, port: 0 })) return url;
  throw new Error('it has to be https, or http on a loopback address');
}

/**
 * Fetches what is at a URL, in bounded time and size. It goes there itself, by no proxy and by no
 * redirect, over a connection of its own, until `signal` aborts.
 *
 * @throws Error that says why not, without anything of what came
 */
export function fetchKeys(url: URL, clock: Clock, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      accept: 'application/jwk-set+json, application/json',
      'accept-encoding': 'identity',
    };
    // The common agents of Node.js may have a proxy of the environment.
    const request =
      url.protocol === 'https:'
        ? requestHttps(url, { agent: new HttpsAgent(), headers, signal, rejectUnauthorized: true })
        : requestHttp(url, { agent: new HttpAgent(), headers, signal });
    const fail = (error: Error): void => {
      reject(error);
      request.destroy();
    };
    const timer = clock.setTimer(JWKS_FETCH_MS, () =>
      fail(new Error(`it took more than ${JWKS_FETCH_MS / 1000} s`)),
    );
    let isAnswered = false;
    request.on('response', (response) => {
      isAnswered = true;
      void readAll(response).then(resolve, fail);
    });
    request.on('error', reject);
    request.on('close', () => {
      timer.cancel();
      if (!isAnswered) reject(new Error('the connection was closed'));
    });
    request.end();
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const { headers, statusCode } = response;
  if (statusCode !== 200) throw new Error(`the answer has status ${statusCode}`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new Error('the answer is encoded, which was not asked for');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_JWKS_BYTES) throw new Error(`it has more than ${MAX_JWKS_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
