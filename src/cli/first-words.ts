import { connect, type Socket } from 'node:net';
import type { Address } from '../address.ts';

/** How long whoever listens may take to say something, in milliseconds. */
export const ANSWER_MS = 2_000;

/** How a client of HTTP/2 begins, with empty settings: RFC 9113, sections 3.4 and 6.5. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');

/** What was said first to a client of HTTP/2. */
export interface FirstWords {
  /** Empty: nothing. */
  readonly said: Buffer;
  /** How the connection failed without a word; undefined: it ended, or was silent for too long. */
  readonly error: NodeJS.ErrnoException | undefined;
  /** Whether it ended without a word. */
  readonly ended: boolean;
}

/** A connection to whoever listens at an address. */
export function connectTo(address: Address): Socket {
  return connect(
    address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
  );
}

/** What comes first over a socket. Rejects if it does not connect. */
export function firstWords(
  socket: Socket,
  connection: 'connect' | 'secureConnect',
): Promise<FirstWords> {
  return new Promise((resolve, reject) => {
    let connected = false;
    const nothing = (ended: boolean, error?: NodeJS.ErrnoException): void => {
      if (connected) resolve({ said: Buffer.alloc(0), error, ended });
      else reject(error ?? new Error('nothing comes back'));
    };
    socket.once(connection, () => {
      connected = true;
      socket.write(PREFACE);
    });
    socket.once('data', (said) => resolve({ said, error: undefined, ended: false }));
    socket.once('end', () => nothing(true)).setTimeout(ANSWER_MS, () => nothing(false));
    socket.on('error', (error) => nothing(true, error));
  });
}
