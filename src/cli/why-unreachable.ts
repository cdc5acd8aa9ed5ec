import { stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Address, parseAddress } from '../address.ts';

/** Why no server answers at an address. */
export interface Unreachable {
  /** Without a full stop. */
  readonly why: string;
  /** Whether nobody is there, so that a server could be started. */
  readonly isFree: boolean;
}

/** How long whoever listens may take to say something, in milliseconds. */
const ANSWER_MS = 2_000;

/** How a client of HTTP/2 begins, with empty settings: RFC 9113, sections 3.4 and 6.5. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');

/** The type of a frame, in its fourth byte, of which the first that a server sends is. */
const SETTINGS = 4;

/** Looks once more, for what a client of gRPC does not tell. Never rejects. */
export async function whyUnreachable(text: string): Promise<Unreachable> {
  const address = parseAddress(text);
  const socket = connectTo(address);
  try {
    const said = await firstWords(socket);
    const isTls = said.byteLength === 0 && (await speaksTls(address));
    return { why: isTls ? OF_TLS : whoSays(said), isFree: false };
  } catch (error) {
    if (address.kind === 'unix' && (await isNoSocket(address.path))) {
      return { why: 'it is no socket', isFree: false };
    }
    return describeConnectError(error as NodeJS.ErrnoException, address);
  } finally {
    socket.destroy();
  }
}

function connectTo(address: Address): Socket {
  return connect(
    address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
  );
}

/** What comes first from whoever listens; empty: nothing does. Rejects if nobody does. */
function firstWords(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let connected = false;
    const nothing = (): void => {
      if (connected) resolve(Buffer.alloc(0));
      else reject(new Error('nothing comes back'));
    };
    socket.once('connect', () => {
      connected = true;
      socket.write(PREFACE);
    });
    socket.once('data', resolve).once('end', nothing).setTimeout(ANSWER_MS, nothing);
    socket.on('error', (error) => (connected ? nothing() : reject(error)));
  });
}

const OF_TLS = 'a server of TLS is there, and none without it';

/** Whether TLS can be begun with whoever listens. Nothing is told, so it may be anybody. */
function speaksTls(address: Address): Promise<boolean> {
  const socket = connectTls({
    socket: connectTo(address),
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
  });
  const spoken = new Promise<boolean>((resolve) => {
    socket.once('secureConnect', () => resolve(true)).once('close', () => resolve(false));
    socket.on('error', () => resolve(false)).setTimeout(ANSWER_MS, () => resolve(false));
  });
  return spoken.finally(() => socket.destroy());
}

function whoSays(said: Buffer): string {
  if (said.toString('latin1', 0, 5) === 'HTTP/') {
    return 'a server of HTTP/1 is there, and none of gRPC';
  }
  if (said[3] === SETTINGS) return 'a server of HTTP/2 is there, which gave no answer';
  return said.byteLength === 0
    ? 'somebody listens there, but says nothing that a gRPC server would'
    : 'what is there is no gRPC server';
}

/** Whether there is something else at a path. */
async function isNoSocket(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && !found.isSocket();
}

/** What the error of a connect(2) means. */
export function describeConnectError(error: NodeJS.ErrnoException, address: Address): Unreachable {
  // Of a name with several addresses, that of the first.
  const { code, message } = error instanceof AggregateError ? error.errors[0] : error;
  const where = address.kind === 'unix' ? `the socket ${address.path}` : `host ${address.host}`;
  switch (code) {
    case 'ENOENT':
      return { why: 'there is no such socket', isFree: true };
    case 'ECONNREFUSED':
      return { why: 'the connection is refused: nobody listens there', isFree: true };
    case 'EACCES':
      return { why: `no permission to connect to ${where}`, isFree: false };
    case 'ENOTDIR':
      return { why: 'a part of its path is no folder', isFree: false };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { why: `the name of ${where} is unknown`, isFree: false };
    default:
      return { why: message, isFree: false };
  }
}
