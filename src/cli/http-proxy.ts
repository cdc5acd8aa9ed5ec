import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { type Dial, type DialFailure, dialFailure } from './dial.ts';
import type { Target } from './forward-spec.ts';
import { joinStreams } from './join-streams.ts';

/** Bytes of the head of a request or an answer: more than common programs send. */
const MAX_HEADER_BYTES = 64 * 1024;

/** Headers of one connection, which are not passed on: RFC 9110, section 7.6.1, and those of proxies. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What is told of a connection that could not be made. */
const WORDS: Readonly<Record<DialFailure, string>> = {
  denied: 'the operator of the server does not let connections go there',
  'unknown-host': 'no such host',
  refused: 'connection refused',
  'host-unreachable': 'host unreachable',
  'network-unreachable': 'network unreachable',
  'timed-out': 'timed out',
  other: 'there is no connection',
};

/** Where a request goes. */
interface Destination {
  readonly target: Target;
  readonly path: string;
  /** The host and port as a `host` header has them. */
  readonly authority: string;
}

/**
 * A proxy for `CONNECT` and for requests of plain HTTP, which makes a connection by `dial` for each.
 * Bodies are streams, slowed to what their readers take.
 */
export function httpProxy(dial: Dial): Server {
  // A long upload is none that has to end at some time.
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: 0,
    noDelay: true,
  });
  server.on('connect', (request, socket, head) => void connect(request, socket, head, dial));
  server.on('request', (request, response) => void pass(request, response, dial));
  return server;
}

/** Never rejects. */
async function connect(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  dial: Dial,
): Promise<void> {
  // What breaks is seen by whoever joins.
  socket.on('error', () => {});
  const target = authorityTarget(request.url ?? '');
  if (target === undefined) return end(socket, 400, 'expected CONNECT HOST:PORT');
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  try {
    const tunnel = await dial(target, gone.signal);
    if (!socket.destroyed) {
      if (head.length > 0) socket.unshift(head);
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    }
    await joinStreams(socket, tunnel);
  } catch (error) {
    const failure = dialFailure(error);
    if (!socket.destroyed) end(socket, statusOf(failure), WORDS[failure]);
  }
}

/** Never rejects. */
async function pass(request: IncomingMessage, response: ServerResponse, dial: Dial): Promise<void> {
  const destination = destinationOf(request.url ?? '');
  if (destination === undefined) {
    refuse(response, 400, 'this is a proxy: it takes http://HOST/PATH, and CONNECT for the rest');
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  let tunnel: Duplex;
  try {
    tunnel = await dial(destination.target, gone.signal);
  } catch (error) {
    const failure = dialFailure(error);
    refuse(response, statusOf(failure), WORDS[failure]);
    return;
  }
  try {
    exchange(request, response, destination, tunnel);
  } catch {
    // What a server takes and a client would not send: a path with spaces, for example.
    tunnel.destroy();
    refuse(response, 400, 'the request cannot be passed on');
  }
}

/** Sends a request over a connection of its own, and its answer back. */
function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  { authority, path }: Destination,
  tunnel: Duplex,
): void {
  // A reset ends a body that has no length as its end would; whoever reads it must see that it broke.
  tunnel.once('error', () => failed(response));
  response.once('close', () => tunnel.destroy());
  if (response.destroyed) {
    tunnel.destroy();
    return;
  }
  const headers = ['host', authority, 'connection', 'close'];
  headers.push(...passedOn(request.rawHeaders, ['host']));
  const isChunked = request.headers['transfer-encoding'] !== undefined;
  if (isChunked) headers.push('transfer-encoding', 'chunked');
  // Otherwise a method that may have a body is taken to have one of which the length is unknown.
  else if (request.headers['content-length'] === undefined && mayHaveBody(request.method)) {
    headers.push('content-length', '0');
  }
  const upstream = httpRequest({
    createConnection: () => tunnel,
    method: request.method,
    path,
    headers,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  upstream.on('error', () => failed(response));
  upstream.on('response', (answer) => {
    const { statusCode = 502, statusMessage = '' } = answer;
    answer.on('error', () => failed(response));
    try {
      response.writeHead(statusCode, statusMessage, passedOn(answer.rawHeaders, []));
    } catch {
      upstream.destroy();
      failed(response);
      return;
    }
    answer.pipe(response);
  });
  request.on('error', () => upstream.destroy());
  request.pipe(upstream);
}

/** There is no answer, or no more of it. */
function failed(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else refuse(response, 502, 'the connection broke before there was an answer');
}

function refuse(response: ServerResponse, status: number, why: string): void {
  if (response.destroyed || response.headersSent) return;
  // What follows of the request is not read.
  response.writeHead(status, { connection: 'close', 'content-type': 'text/plain' });
  response.end(`${why}\n`);
}

function end(socket: Duplex, status: number, why: string): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${why.length + 1}\r\n\r\n`;
  socket.end(`${head}${why}\n`, () => socket.destroy());
}

function statusOf(failure: DialFailure): number {
  if (failure === 'denied') return 403;
  return failure === 'timed-out' ? 504 : 502;
}

/** Headers without those of the connection, and without some more. */
function passedOn(raw: readonly string[], without: readonly string[]): string[] {
  const pairs = raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ''] as const] : []));
  const named = pairs
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(',').map((one) => one.trim().toLowerCase()));
  const left = new Set([...named, ...without]);
  return pairs
    .filter(([name]) => !OF_CONNECTION.has(name.toLowerCase()) && !left.has(name.toLowerCase()))
    .flat();
}

function mayHaveBody(method: string | undefined): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

/** `HOST:PORT`; undefined: it is none. */
function authorityTarget(text: string): Target | undefined {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:/?#@[\]\s]+)):(\d{1,5})$/.exec(text);
  const [, address, name, digits = ''] = parts ?? [];
  const [host, port] = [address ?? name ?? '', Number(digits)];
  return host === '' || port < 1 || port > 65_535 ? undefined : { kind: 'host', host, port };
}

/** Where a request in absolute form goes; undefined: it is not for a proxy. */
function destinationOf(text: string): Destination | undefined {
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? 80 : Number(url.port);
  if (host === '' || port === 0) return undefined;
  return {
    target: { kind: 'host', host, port },
    // As it came: it is not this program's to write it in another way.
    path: text
      .replace(/^http:\/\/[^/?#]*/i, '')
      .replace(/^(?!\/)/, '/')
      .replace(/#.*$/, ''),
    authority: url.host,
  };
}
