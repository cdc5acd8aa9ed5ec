import { once } from 'node:events';
import {
  createSecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { certify, type Identity } from './certificates.ts';
import { ACK, FRAME, type Frame, frame, frameReader, headerBlock, PREFACE } from './raw-http2.ts';

/** A stream that somebody opened, with its headers as Node.js tells them, names and values in turn. */
export interface AskedStream {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
}

/** A server of HTTP/2 over TLS, as Node.js has it. */
export interface Http2Upstream {
  readonly origin: string;
  readonly sessions: readonly ServerHttp2Session[];
  readonly asked: readonly AskedStream[];
}

/** Starts one on the loopback, with a certificate of an authority; it ends when the test is over. */
export async function startHttp2Upstream(
  authority: Identity,
  answer: (asked: AskedStream, index: number) => void | Promise<void>,
): Promise<Http2Upstream> {
  const { certificate, key } = await certify('upstream', authority);
  const server: Http2Server = createSecureServer({ cert: certificate, key });
  const sessions: ServerHttp2Session[] = [];
  const asked: AskedStream[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers, _flags, ...rest: unknown[]) => {
    stream.on('error', () => {});
    const [raw] = rest;
    const one = { stream, headers, rawHeaders: Array.isArray(raw) ? raw.map(String) : [] };
    asked.push(one);
    // One that ends early ends what a test does with it.
    Promise.resolve(answer(one, asked.length - 1)).catch(() => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, sessions, asked };
}

/** A connection over which the test speaks HTTP/2 in its frames. */
export interface FramesConnection {
  readonly socket: TLSSocket;
  /** All that came. */
  readonly frames: readonly Frame[];
  /** The first frame of a type and a stream, when it is there, or the connection ended without. */
  frameOf(type: number, stream?: number): Promise<Frame>;
  /** When it ended. */
  readonly over: Promise<void>;
}

/** A server of HTTP/2 over TLS that answers nothing by itself but settings. */
export interface FramesUpstream {
  readonly origin: string;
  readonly connections: readonly FramesConnection[];
}

/** Starts one on the loopback, with a certificate of an authority; it ends when the test is over. */
export async function startFramesUpstream(
  authority: Identity,
  answer: (connection: FramesConnection, index: number) => Promise<void>,
): Promise<FramesUpstream> {
  const { certificate, key } = await certify('upstream', authority);
  const connections: FramesConnection[] = [];
  const server = createServer({ cert: certificate, key, ALPNProtocols: ['h2'] }, (socket) => {
    const connection = framesConnection(socket);
    connections.push(connection);
    // One that ends early ends what a test does with it.
    answer(connection, connections.length - 1).catch(() => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const { socket } of connections) socket.destroy();
    server.close();
  });
  return { origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, connections };
}

function framesConnection(socket: TLSSocket): FramesConnection {
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  let closed = false;
  const look = (): void => {
    for (const each of waiting) each();
  };
  const read = frameReader((received) => {
    frames.push(received);
    const isSettings = received.type === FRAME.settings && (received.flags & ACK) === 0;
    if (isSettings) socket.write(frame(FRAME.settings, { flags: ACK }));
    look();
  });
  let preface = PREFACE.length;
  socket.on('data', (data: Buffer) => {
    const skipped = Math.min(preface, data.length);
    preface -= skipped;
    read(data.subarray(skipped));
  });
  socket.on('error', () => {});
  const over = new Promise<void>((resolve) => {
    socket.once('close', () => {
      closed = true;
      look();
      resolve();
    });
  });
  socket.write(frame(FRAME.settings));
  const frameOf = (type: number, stream = 1): Promise<Frame> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const found = frames.find((each) => each.type === type && each.stream === stream);
        if (found !== undefined) resolve(found);
        else if (closed) reject(new Error('it ended without the frame'));
        else return;
        waiting.delete(check);
      };
      waiting.add(check);
      check();
    });
  return { socket, frames, frameOf, over };
}

/** Headers of an answer or its trailers, as a frame of the first stream or another. */
export function headersFrame(
  headers: readonly (readonly [string, string])[],
  flags: number,
  stream = 1,
): Buffer {
  return frame(FRAME.headers, { flags, stream, payload: headerBlock(headers) });
}
