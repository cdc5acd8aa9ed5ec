import { createServer, type Server, type Socket } from 'node:net';
import type { Dial } from './dial.ts';
import { dialFailure } from './dial.ts';
import type { Target } from './forward-spec.ts';
import { joinStreams, reset } from './join-streams.ts';
import {
  MAX_SOCKS_BYTES,
  SOCKS5_REPLY,
  type SocksParsed,
  socks4Answer,
  socks4Request,
  socks5Answer,
  socks5Greeting,
  socks5Request,
  socksVersion,
} from './socks-request.ts';

/** How long a client may take to say where it wants to, in milliseconds: it types nothing. */
const HANDSHAKE_MS = 10_000;

/** Answers of version 5 for what failed. */
const REPLIES = {
  denied: SOCKS5_REPLY.notAllowed,
  'unknown-host': SOCKS5_REPLY.hostUnreachable,
  refused: SOCKS5_REPLY.refused,
  'host-unreachable': SOCKS5_REPLY.hostUnreachable,
  'network-unreachable': SOCKS5_REPLY.networkUnreachable,
  'timed-out': SOCKS5_REPLY.ttlExpired,
  other: SOCKS5_REPLY.failure,
} as const;

/** A SOCKS proxy, versions 5, 4 and 4a, that connects by `dial`. Names go there as they are. */
export function socksServer(dial: Dial): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    // What breaks is seen by whoever reads or joins.
    socket.on('error', () => {});
    void serve(socket, dial);
  });
  return server;
}

/** Never rejects. */
async function serve(socket: Socket, dial: Dial): Promise<void> {
  const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS);
  const asked = await handshake(socket).catch(() => undefined);
  clearTimeout(timer);
  if (asked === undefined) return;
  const { answer, target } = asked;
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  try {
    const tunnel = await dial(target, gone.signal);
    if (!socket.destroyed) socket.write(answer(SOCKS5_REPLY.succeeded));
    await joinStreams(socket, tunnel);
  } catch (error) {
    if (!socket.destroyed) sayAndEnd(socket, answer(REPLIES[dialFailure(error)]));
  }
}

/** What a client wants; undefined: it was told that it cannot have it. */
async function handshake(
  socket: Socket,
): Promise<{ readonly target: Target; readonly answer: (reply: number) => Buffer } | undefined> {
  const version = await take(socket, socksVersion);
  if (version === undefined) return undefined;
  if (version === 4) {
    const target = await take(socket, socks4Request);
    return target && { target, answer: (reply) => socks4Answer(reply === SOCKS5_REPLY.succeeded) };
  }
  const chosen = await take(socket, socks5Greeting);
  if (chosen === undefined) return undefined;
  socket.write(chosen);
  const target = await take(socket, socks5Request);
  return target && { target, answer: socks5Answer };
}

/** Reads as much as one thing takes; what came after it stays. Undefined: it was refused. */
async function take<T>(
  socket: Socket,
  parse: (bytes: Buffer) => SocksParsed<T>,
): Promise<T | undefined> {
  let all: Buffer = Buffer.alloc(0);
  for (;;) {
    all = Buffer.concat([all, await nextPiece(socket)]);
    const parsed = parse(all);
    if (parsed.kind === 'done') {
      const rest = all.subarray(parsed.bytes);
      if (rest.length > 0) socket.unshift(rest);
      return parsed.value;
    }
    if (parsed.kind === 'refused') {
      sayAndEnd(socket, parsed.answer);
      return undefined;
    }
    if (all.length > MAX_SOCKS_BYTES) {
      reset(socket);
      return undefined;
    }
  }
}

/** Rejects where nothing more comes. */
function nextPiece(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      socket.destroy();
      settle();
      reject(new Error('nothing comes any more'));
    };
    const piece = (data: Buffer): void => {
      socket.pause();
      settle();
      resolve(data);
    };
    const settle = (): void => {
      socket.off('data', piece).off('end', over).off('close', over);
    };
    if (socket.destroyed || socket.readableEnded) return over();
    socket.on('data', piece).once('end', over).once('close', over);
    socket.resume();
  });
}

/** Tells why, and ends the connection: also where the client would go on to send. */
function sayAndEnd(socket: Socket, answer: Buffer): void {
  socket.end(answer, () => socket.destroy());
}
