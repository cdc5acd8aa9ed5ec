import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  MAX_OPERATOR_CONNECTIONS,
  MAX_OPERATOR_HEADER_BYTES,
  OPERATOR_REQUEST_MS,
} from '../limits.ts';
import type { Scrape } from './metrics/metrics.ts';

/** Whether a server is ready for calls, and if not, why. */
export interface ReadyNow {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** How an operator's listener is made. */
export interface OperatorListenerOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** The descriptor of a socket that listens there already. Default: one is made. */
  readonly fd?: number | undefined;
  /** What `/metrics` answers to a header `Accept`; undefined: there is nothing to tell yet. */
  readonly scrape: (accept: string | undefined) => Promise<Scrape> | undefined;
  /** What `/readyz` says. */
  readonly ready: () => ReadyNow;
  /** The token that `/metrics` asks for, whatever it is when somebody asks. Default: none. */
  readonly token?: (() => string) | undefined;
  /** Told of a fault of ours. */
  readonly onError: (error: unknown) => void;
}

/** A listener that runs. It does not keep the program running. */
export interface OperatorListener {
  /** Where it listens. */
  readonly port: number;
  /** Listens no more, and cuts its connections. */
  close(): void;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';
const BEARER = /^bearer +(?<token>[^ ]+) *$/i;

/**
 * Answers HTTP to who operates the server: `/metrics`, `/livez` and `/readyz`. Where there is a
 * token, probes go without it, and are not told why the server is not ready.
 *
 * @throws Error of the system if it cannot listen
 */
export async function openOperatorListener(
  options: OperatorListenerOptions,
): Promise<OperatorListener> {
  const server = createServer(
    {
      maxHeaderSize: MAX_OPERATOR_HEADER_BYTES,
      headersTimeout: OPERATOR_REQUEST_MS,
      requestTimeout: OPERATOR_REQUEST_MS,
    },
    (request, response) => {
      void answer(options, request)
        .catch((error: unknown): Answer => {
          options.onError(error);
          return { status: 500, body: 'failed\n' };
        })
        .then((found) => send(request, response, found));
    },
  );
  server.maxConnections = MAX_OPERATOR_CONNECTIONS;
  if (options.fd === undefined) server.listen(options.port, options.host);
  else server.listen({ fd: options.fd });
  await once(server, 'listening');
  server.unref();
  server.on('error', options.onError);
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  { ready, scrape, token }: OperatorListenerOptions,
  { headers, method, url = '/' }: IncomingMessage,
): Promise<Answer> {
  const [path] = url.split('?', 1);
  if (path !== '/metrics' && path !== '/livez' && path !== '/readyz') {
    return { status: 404, body: 'there are /metrics, /livez and /readyz\n' };
  }
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, headers: { allow: 'GET, HEAD' }, body: 'only GET and HEAD\n' };
  }
  if (path === '/livez') return { status: 200, body: 'ok\n' };
  const known = token === undefined || isToken(headers.authorization, token());
  if (path === '/readyz') return readiness(ready(), known);
  if (!known) {
    return { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: 'no valid token\n' };
  }
  const scraped = await scrape(headers.accept);
  if (scraped === undefined) return { status: 503, body: 'the server is starting\n' };
  return {
    status: 200,
    headers: { 'content-type': scraped.contentType, vary: 'Accept' },
    body: scraped.body,
  };
}

function readiness({ ready, reasons }: ReadyNow, known: boolean): Answer {
  if (ready) return { status: 200, body: 'ok\n' };
  const told = known ? reasons : [];
  return { status: 503, body: ['not ready', ...told, ''].join('\n') };
}

/** In a time that does not tell how much of it is right. */
function isToken(authorization: string | undefined, expected: string): boolean {
  const given = BEARER.exec(authorization ?? '')?.groups?.['token'] ?? '';
  return timingSafeEqual(digest(given), digest(expected)) && given !== '';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { body, headers, status }: Answer,
): void {
  // Nothing that is sent with it is of use, and it may be much.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, {
    'content-type': TEXT,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
