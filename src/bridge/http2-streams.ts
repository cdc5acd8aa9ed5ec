import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { endWhenDead } from './dead-session.ts';

/** Told of a stream before grpc-js is: what it changes of the headers, that sees changed. */
export type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/**
 * Tells of every stream of a grpc-js server, before grpc-js itself looks at it. It has no way
 * to do that, so this takes the HTTP/2 servers from where it keeps them. To be called when a
 * connection injector was made; false where grpc-js has changed, and nobody is told. Sessions that
 * have died are ended from then on.
 */
export function onStreams(server: Server, listener: StreamListener): boolean {
  const http2Servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(http2Servers instanceof Map) || http2Servers.size === 0) return false;
  for (const http2Server of http2Servers.keys() as Iterable<Http2Server>) {
    http2Server.prependListener('stream', listener);
    http2Server.on('session', endWhenDead);
  }
  return true;
}
