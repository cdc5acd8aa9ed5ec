import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Address } from '../../src/address.ts';
import { serveHere } from '../support/harness.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Types of frames, of RFC 9113, section 6. */
const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const PING = 6;

function frame(type: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head[3] = type;
  // END_HEADERS, or nothing.
  head[4] = type === HEADERS ? 4 : 0;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A connection on which some frames were sent, that reads all and answers nothing. */
async function connection(address: Address, ...frames: Buffer[]): Promise<Socket> {
  const socket = connect({ path: address.kind === 'unix' ? address.path : '' });
  onTestFinished(() => void socket.destroy());
  socket.resume().on('error', () => {});
  await once(socket, 'connect');
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0), ...frames]));
  return socket;
}

describe('a connection', () => {
  it.each<[string, Buffer]>([
    ['a setting that is cut', frame(SETTINGS, 0, Buffer.alloc(5))],
    ['data of no stream', frame(DATA, 0, Buffer.from('x'))],
    ['a frame that is too large', frame(DATA, 1, Buffer.alloc(20_000))],
    ['headers that cannot be decoded', frame(HEADERS, 1, Buffer.alloc(5, 0xff))],
    ['a short ping', frame(PING, 0, Buffer.alloc(5))],
  ])('is closed after %s, and no other is', async (_, fault) => {
    // No keepalive would close it in the time of this test.
    const { address } = await serveHere({ keepaliveMs: 3_600_000 });
    const healthy = await connection(address);
    for (let i = 0; i < 2; i++) {
      const faulty = await connection(address, fault);
      if (!faulty.closed) await once(faulty, 'close');
    }
    // It was looked at as often, and more.
    expect(healthy.closed).toBe(false);
    expect(healthy.readableEnded).toBe(false);
  });
});
