import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { listening } from './forwarding.ts';

/** A web server in this process, which ends with the test. */
export interface WebServer {
  readonly url: string;
  readonly port: number;
  /** What was asked of it, in order, as `METHOD /path`. */
  readonly asked: readonly string[];
  /** The headers of each, as they came. */
  readonly headers: readonly (readonly string[])[];
  /** Its connections, in order. */
  readonly sockets: readonly Socket[];
  /** Resets all of them. */
  cut(): void;
}

/**
 * Starts one. It answers `/hello`, `/echo` with the method and the body, `/moved` with a redirect to
 * `/hello`, `/status/CODE`, `/gzip`, `/part` with a part of a body, `/part-open` with one of
 * a body that has no length, `/silent` with nothing, and what `more` has.
 */
export async function startWebServer(
  more: Readonly<Record<string, RequestListener>> = {},
): Promise<WebServer> {
  const asked: string[] = [];
  const headers: (readonly string[])[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    headers.push(request.rawHeaders);
    const path = (request.url ?? '').replace(/\?.*/, '');
    (more[path] ?? PAGES[path] ?? status)(request, response);
  });
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  const port = await listening(server);
  const cut = (): void => {
    for (const socket of sockets) if (!socket.destroyed) socket.resetAndDestroy();
  };
  return { url: `http://127.0.0.1:${port}`, port, asked, headers, sockets, cut };
}

const PAGES: Readonly<Record<string, RequestListener>> = {
  '/hello': (_, response) =>
    void response.writeHead(200, { 'content-type': 'text/plain' }).end('hello\n'),
  '/echo': (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => response.end(`${request.method} ${Buffer.concat(pieces)}\n`));
  },
  '/moved': (_, response) => void response.writeHead(302, { location: '/hello' }).end('moved\n'),
  '/gzip': (_, response) =>
    void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('was compressed\n')),
  '/part': (_, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('a part');
  },
  '/part-open': ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\n\r\na part'),
  '/silent': () => {},
};

/** `/status/CODE` */
const status: RequestListener = ({ url = '' }, response) => {
  const code = Number(/^\/status\/(\d+)/.exec(url)?.[1] ?? 404);
  response.writeHead(code).end(`it is ${code}\n`);
};
