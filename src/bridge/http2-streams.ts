import {
  constants,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { MAX_CALLS_PER_TURN, MAX_WAITING_CALLS } from '../limits.ts';
import { endWhenDead } from './dead-session.ts';
import { FairTurns, type FairTurnsOptions } from './fair-turns.ts';

/** What a header counts beside its name and value: RFC 9113, section 6.5.2. */
const PAIR_BYTES = 32;

/**
 * Told of a stream before grpc-js is: what it changes of the headers, that sees changed. False, or
 * a promise of that: grpc-js is not told at all.
 */
export type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
) => boolean | Promise<boolean>;

/** A stream that was opened, as its listeners are told of it. */
type Opened = [ServerHttp2Stream, IncomingHttpHeaders, ...unknown[]];

/** How {@link onStreams} takes streams. */
export interface StreamsOptions {
  /**
   * Bytes of the headers of a call, as RFC 9113 counts them, section 6.5.2: clients are told, and a
   * call with more is reset. grpc-js has no option for it. Default: those of Node.js.
   */
  readonly maxHeaderBytes?: number;
  /** Calls back in the next turn of the event loop. Default: that of Node.js. */
  readonly atNextTurn?: FairTurnsOptions<Opened>['atNextTurn'];
}

/**
 * Tells of every stream of a grpc-js server, before grpc-js itself looks at it. It has no way
 * to do that, so this takes the HTTP/2 servers from where it keeps them. To be called when a
 * connection injector was made; false where grpc-js has changed, and nobody is told. Sessions that
 * have died are ended from then on.
 *
 * Both are told in {@link FairTurns}: one read of a socket can open hundreds of streams, and
 * beginning their calls would be one step.
 */
export function onStreams(
  server: Server,
  listener: StreamListener,
  options: StreamsOptions = {},
): boolean {
  const { maxHeaderBytes } = options;
  const http2Servers = http2ServersOf(server);
  for (const http2Server of http2Servers) {
    const others = http2Server.listeners('stream');
    http2Server.removeAllListeners('stream');
    const tellOthers = (opened: Opened): void => {
      for (const other of others) Reflect.apply(other, http2Server, opened);
    };
    const tell = (opened: Opened): void => {
      const [stream, headers] = opened;
      const goesOn = listener(stream, headers);
      if (goesOn === true) tellOthers(opened);
      else if (goesOn !== false) void goesOn.then((later) => later && tellOthers(opened));
    };
    if (maxHeaderBytes !== undefined) {
      http2Server.updateSettings({ maxHeaderListSize: maxHeaderBytes });
    }
    http2Server.on('stream', inFairTurns(tell, options));
    http2Server.on('session', endWhenDead);
  }
  return http2Servers.length > 0;
}

/** None, where grpc-js has changed. */
function http2ServersOf(server: Server): readonly Http2Server[] {
  const http2Servers: unknown = Reflect.get(server, 'http2Servers');
  return http2Servers instanceof Map ? ([...http2Servers.keys()] as Http2Server[]) : [];
}

/** A listener that hands streams on in turn, a connection each at a time. */
function inFairTurns(
  tell: (opened: Opened) => void,
  { atNextTurn, maxHeaderBytes = Number.POSITIVE_INFINITY }: StreamsOptions,
): (...opened: Opened) => void {
  const paused = new WeakSet<Http2Session>();
  const sessions = new WeakMap<ServerHttp2Stream, Http2Session>();
  const resume = (session: Http2Session | undefined): void => {
    if (session === undefined || turns.waiting(session) > MAX_WAITING_CALLS / 2) return;
    if (paused.delete(session)) read(session, true);
  };
  const turns: FairTurns<Opened> = new FairTurns({
    perTurn: MAX_CALLS_PER_TURN,
    begin: (opened) => {
      const [stream] = opened;
      // It has none any more once it is destroyed.
      const session = sessions.get(stream);
      if (!stream.destroyed) tell(opened);
      resume(session);
    },
    ...(atNextTurn === undefined ? {} : { atNextTurn }),
  });
  return (...opened) => {
    const [stream] = opened;
    const { session } = stream;
    // An error of a stream that nobody listens to would be nobody's; what waits can be cut, too.
    stream.on('error', () => {});
    // One that was reset in the same read of the socket is closed before anybody is told of it.
    if (session === undefined || stream.destroyed) return;
    // Node.js resets it by itself once the client has acknowledged the setting, which it need not do.
    if (headerBytes(opened[3]) > maxHeaderBytes) {
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      return;
    }
    sessions.set(stream, session);
    turns.add(session, opened);
    const waiting = turns.waiting(session);
    if (waiting === 0) return;
    stream.once('close', () => {
      turns.remove(session, opened);
      resume(session);
    });
    if (waiting <= MAX_WAITING_CALLS) return;
    // Anew each time: Node.js reads on when it has written something.
    paused.add(session);
    read(session, false);
  };
}

/** Bytes of names and values in turn, and what each pair counts beside them. */
function headerBytes(raw: unknown): number {
  if (!Array.isArray(raw)) return 0;
  return raw.reduce((sum: number, text) => sum + String(text).length + PAIR_BYTES / 2, 0);
}

/**
 * Lets the socket of a session be read, or not: what is opened meanwhile stays with the system, and
 * with the client. Node.js has no way to do that for HTTP/2. Where it has changed, the
 * socket is read on.
 */
function read({ destroyed, socket }: Http2Session, on: boolean): void {
  if (destroyed) return;
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return;
  const change: unknown = Reflect.get(handle, on ? 'readStart' : 'readStop');
  if (typeof change === 'function') Reflect.apply(change, handle, []);
}
