import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';

/** What a client of HTTP/2 sends first: RFC 9113, section 3.4. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Types of frames, of section 6. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

export const END_STREAM = 1;
export const END_HEADERS = 4;
export const ACK = 1;

const HEAD_BYTES = 9;

/** A frame that was received. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(
  type: number,
  { flags = 0, payload = Buffer.alloc(0), stream = 0 }: Partial<Frame> = {},
): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A payload that is one number of 32 bits. */
export function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Headers as HPACK has them, none of them in a table or compressed: RFC 7541, section 6.2.2. */
export function headerBlock(headers: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    headers.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]),
  );
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const size: number[] = [];
  if (bytes.byteLength < 127) size.push(bytes.byteLength);
  else {
    size.push(127);
    let rest = bytes.byteLength - 127;
    for (; rest >= 128; rest >>= 7) size.push((rest & 127) | 128);
    size.push(rest);
  }
  return Buffer.concat([Buffer.from(size), bytes]);
}

/** The headers of a gRPC call of a method, and more. */
export function callHeaders(
  path: string,
  more: readonly (readonly [string, string])[] = [],
): Buffer {
  return headerBlock([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'localhost'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...more,
  ]);
}

/** A message as gRPC sends it. */
export function message(bytes: Uint8Array, compressed = false): Buffer {
  return Buffer.concat([
    Buffer.from([compressed ? 1 : 0]),
    number32(bytes.byteLength),
    Buffer.from(bytes),
  ]);
}

/** Takes what comes, however it is cut, and tells of each frame in it. */
export function frameReader(onFrame: (frame: Frame) => void): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (data) => {
    rest = rest.byteLength === 0 ? data : Buffer.concat([rest, data]);
    while (rest.byteLength >= HEAD_BYTES) {
      const length = rest.readUIntBE(0, 3);
      if (rest.byteLength < HEAD_BYTES + length) return;
      const received = {
        type: rest[3] ?? 0,
        flags: rest[4] ?? 0,
        stream: rest.readUInt32BE(5) & 0x7fff_ffff,
        payload: rest.subarray(HEAD_BYTES, HEAD_BYTES + length),
      };
      rest = rest.subarray(HEAD_BYTES + length);
      onFrame(received);
    }
  };
}

/** A connection below HTTP/2, which answers nothing by itself. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything that was received, but for what {@link received} was asked for. */
  readonly frames: readonly Frame[];
  /** Whether the server has closed it. */
  readonly closed: boolean;
  /** Writes, and resolves when the system has taken that, or the connection is closed. */
  write(...bytes: Buffer[]): Promise<void>;
  /** Resolves once it is closed. */
  gone(): Promise<void>;
}

/** Connects a socket. The test is over when it is closed. */
export async function connectSocket(address: Address): Promise<Socket> {
  const socket = connect(
    address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
  );
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Connects, and sends what begins HTTP/2. Frames are read and kept, unless `reads` is false. */
export async function connectRaw(address: Address, reads = true): Promise<RawConnection> {
  const socket = await connectSocket(address);
  const frames: Frame[] = [];
  let closed = false;
  socket.once('close', () => {
    closed = true;
  });
  const take = frameReader((received) => void frames.push(received));
  if (reads) socket.on('data', take);
  const write = (...bytes: Buffer[]): Promise<void> =>
    new Promise((resolve) => {
      if (closed) {
        resolve();
        return;
      }
      const over = (): void => {
        socket.removeListener('close', over);
        resolve();
      };
      socket.once('close', over);
      socket.write(Buffer.concat(bytes), over);
    });
  await write(PREFACE, frame(FRAME.settings));
  return {
    socket,
    frames,
    get closed() {
      return closed;
    },
    write,
    gone: async () => {
      // An error of the socket comes before that, and is none here.
      if (!closed) await new Promise((resolve) => void socket.once('close', resolve));
    },
  };
}
