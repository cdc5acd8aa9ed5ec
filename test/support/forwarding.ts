import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { CliUser, StartedIds } from './cli-user.ts';
import { firstLineOf, firstLinesOf } from './first-line.ts';

/** `runlet forward` that listens. */
export interface Forwarding {
  readonly child: ChildProcess;
  /** Where it listens, for each in order. */
  readonly listens: readonly string[];
  /** What it said so far. */
  said(): string;
  /** Ends it, and waits for that. */
  end(signal: NodeJS.Signals): Promise<readonly [number | null, NodeJS.Signals | null]>;
}

/** Starts `runlet forward` with some words; it ends with the test. */
export async function forwarding(
  user: CliUser,
  words: readonly string[],
  count = 1,
): Promise<Forwarding> {
  const child = user.spawn(['forward', '--json', ...words]);
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let said = '';
  child.stderr?.on('data', (data: Buffer) => {
    said += data.toString();
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  const lines = await firstLinesOf(child, count).catch(() => {
    throw new Error(`it does not listen: ${said}`);
  });
  const listens = lines.map((line) => (JSON.parse(line) as { listen: string }).listen);
  return {
    child,
    listens,
    said: () => said,
    end: (signal) => {
      child.kill(signal);
      return closed;
    },
  };
}

/** A server of TCP in this process, which ends with the test. */
export interface Peer {
  readonly port: number;
  /** Its connections, in order. */
  readonly sockets: readonly Socket[];
}

/** Starts one, with half-open ends allowed. Default: it echoes. */
export async function startPeer(
  onConnection: (socket: Socket) => void = (socket) => void socket.pipe(socket),
): Promise<Peer> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  return { port: await listening(server), sockets };
}

/** Has a server of any kind listen on loopback until the test is over; returns its port. */
export async function listening(server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  });
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

/** Gives back what it gets, and says at which port. */
const ECHO = `
const server = require('net').createServer({ allowHalfOpen: true }, (s) => s.on('error', () => {}).pipe(s));
server.listen(0, process.argv[1], () => console.log(server.address().port));
`;

/** Starts a process with an id on the server, which echoes at a port; more words may be given. */
export async function listeningProgram(
  user: CliUser,
  id: string,
  words: readonly string[] = [],
  host = '127.0.0.1',
): Promise<StartedIds & { readonly port: number }> {
  const argv = [process.execPath, '-e', ECHO, host];
  const started = await user.start(...words, '--id', id, '--', ...argv);
  const logs = user.spawn(['logs', '--follow', '--session', started.session, id]);
  const ended = once(logs, 'close');
  try {
    return { ...started, port: Number(await firstLineOf(logs)) };
  } finally {
    logs.kill('SIGKILL');
    await ended;
  }
}

/** Connects to where something listens: `HOST:PORT` or a path. */
export async function connectTo(listen: string): Promise<Socket> {
  const at = listen.lastIndexOf(':');
  const socket = netConnect({
    ...(listen.startsWith('/')
      ? { path: listen }
      : { host: listen.slice(0, at), port: Number(listen.slice(at + 1)) }),
    allowHalfOpen: true,
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** All that comes over a connection to its end, after which it may still send. Rejects where it is reset. */
export function readAll(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.once('end', () => resolve(Buffer.concat(pieces)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('it was closed')));
  });
}

/** Resolves when a connection is closed, however it ended. */
export function closed(socket: Socket | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (socket === undefined || socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** Resolves when so many bytes came, with them. What came after them stays. */
export async function read(socket: Socket, bytes: number): Promise<Buffer> {
  for (;;) {
    const piece = socket.read(bytes) as Buffer | null;
    if (piece !== null) return piece;
    if (socket.destroyed || socket.readableEnded) throw new Error('it ended before that');
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        socket.off('readable', wake).off('end', wake).off('close', wake);
        resolve();
      };
      socket.on('readable', wake).on('end', wake).on('close', wake);
    });
  }
}

/** Resolves when a program has printed a text on its standard output; it is read further. */
export function printed(child: ChildProcess, text: string): Promise<void> {
  let all = '';
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (data: Buffer) => {
      all += data.toString('latin1');
      if (all.includes(text)) resolve();
    });
    child.once('close', () => reject(new Error(`it printed ${all} alone`)));
  });
}
