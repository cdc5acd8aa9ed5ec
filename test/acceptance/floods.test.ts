import type { Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Address } from '../../src/address.ts';
import { flood } from '../support/flood.ts';
import {
  ACK,
  callHeaders,
  connectRaw,
  connectSocket,
  END_HEADERS,
  FRAME,
  frame,
  headerBlock,
  number32,
  PREFACE,
  type RawConnection,
} from '../support/raw-http2.ts';

const INFO = '/runlet.v1.ServerService/GetServerInfo';

/** Headers of the next call, that is begun and not ended. */
const opening = (stream: number, more: readonly (readonly [string, string])[] = []): Buffer =>
  frame(FRAME.headers, { flags: END_HEADERS, stream, payload: callHeaders(INFO, more) });

/** What comes at once, again and again, until the connection is closed, or so many times. */
type FrameFlood = (round: number) => readonly Buffer[];

const AT_ONCE = 500;
const ROUNDS = 60;

const repeat = (make: (index: number) => Buffer): FrameFlood => {
  return (round) => Array.from({ length: AT_ONCE }, (_, i) => make(round * AT_ONCE + i));
};

const streamOf = (index: number): number => 2 * index + 1;

const FRAME_FLOODS: readonly (readonly [string, FrameFlood])[] = [
  ['streams that are reset', repeat((i) => Buffer.concat([opening(streamOf(i)), reset(i)]))],
  [
    'streams that the server has to reset',
    repeat((i) => Buffer.concat([opening(streamOf(i)), window(streamOf(i), 0)])),
  ],
  ['settings', repeat((i) => frame(FRAME.settings, { payload: setting(4, 65_535 + (i % 9)) }))],
  ['acknowledgments of settings', repeat(() => frame(FRAME.settings, { flags: ACK }))],
  ['pings', repeat((i) => frame(FRAME.ping, { payload: Buffer.alloc(8, i) }))],
  ['acknowledgments of pings', repeat(() => ping(ACK))],
  [
    'headers that go on and on',
    (round) => [
      ...(round === 0 ? [frame(FRAME.headers, { stream: 1, payload: callHeaders(INFO) })] : []),
      ...repeat((i) =>
        frame(FRAME.continuation, {
          stream: 1,
          payload: headerBlock([[`x-${i}`, 'v'.repeat(30)]]),
        }),
      )(round),
    ],
  ],
  [
    'headers that go on with nothing',
    (round) => [
      ...(round === 0 ? [frame(FRAME.headers, { stream: 1, payload: callHeaders(INFO) })] : []),
      ...repeat(() => frame(FRAME.continuation, { stream: 1 }))(round),
    ],
  ],
  [
    'empty data',
    (round) => [
      ...(round === 0 ? [opening(1)] : []),
      ...repeat(() => frame(FRAME.data, { stream: 1 }))(round),
    ],
  ],
  [
    'priorities',
    repeat((i) =>
      frame(FRAME.priority, { stream: streamOf(i % 999), payload: Buffer.alloc(5, 1) }),
    ),
  ],
  ['windows', repeat(() => window(0, 1))],
  ['frames of no known type', repeat(() => frame(0x42, { payload: Buffer.alloc(16) }))],
  ['headers that are not well-formed', repeat((i) => opening(streamOf(i), [['UPPER', 'case']]))],
  ['calls that go on', repeat((i) => opening(streamOf(i)))],
];

function reset(index: number): Buffer {
  return frame(FRAME.reset, { stream: streamOf(index), payload: number32(8) });
}

function window(stream: number, by: number): Buffer {
  return frame(FRAME.window, { stream, payload: number32(by) });
}

function ping(flags: number): Buffer {
  return frame(FRAME.ping, { flags, payload: Buffer.alloc(8) });
}

function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([0, id]), number32(value)]);
}

/** Sends a flood over one connection, of whose answers something is read or nothing. */
async function send(address: Address, rounds: FrameFlood, reads: boolean): Promise<RawConnection> {
  const raw = await connectRaw(address, reads);
  for (let round = 0; round < ROUNDS && !raw.closed; round++) {
    // Where the server reads no more it is over, too: it closes the connection in its time.
    await Promise.race([raw.write(...rounds(round)), stalled(raw)]);
    if (raw.socket.writableNeedDrain) break;
    // The client beside is in this process, too, and has to make its calls in time.
    await setImmediate();
  }
  return raw;
}

/** Resolves when nothing of what was written was taken for a while. */
async function stalled({ socket }: RawConnection): Promise<void> {
  for (let last = -1; socket.bytesWritten - socket.writableLength !== last; ) {
    last = socket.bytesWritten - socket.writableLength;
    await setTimeout(200);
    if (socket.destroyed) return;
  }
}

/** Connects, and again where the system already keeps as many as it will. */
async function connectHowever(to: Address): Promise<Socket> {
  for (;;) {
    try {
      return await connectSocket(to);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('EAGAIN')) throw error;
      await setTimeout(10);
    }
  }
}

/** How connections begin that do not go on, a piece after the other. */
const BEGINNINGS: readonly (readonly Buffer[])[] = [
  // Half a handshake of TLS.
  [Buffer.from('16030100fa010000f60303', 'hex'), Buffer.alloc(50, 7)],
  [PREFACE.subarray(0, 12)],
  [PREFACE],
  [PREFACE, frame(FRAME.settings)],
  // All of a call, a byte at a time.
  [...Buffer.concat([PREFACE, frame(FRAME.settings), opening(1)])].map((byte) =>
    Buffer.from([byte]),
  ),
  [PREFACE, frame(FRAME.settings), opening(1).subarray(0, 40)],
  // A call that is refused, and goes on.
  [PREFACE, frame(FRAME.settings), opening(1), frame(FRAME.data, { stream: 1 })],
  [Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  [Buffer.alloc(4096, 0xfe)],
];

describe('a flood', () => {
  it('of 5,000 connections that never speak harms nobody', async () => {
    await flood(async ({ anybody, nobody, served }) => {
      const open = new Set<{ destroy: () => void }>();
      for (let i = 0; i < 5_000; i += 100) {
        const to = [nobody, anybody, served.address][(i / 100) % 3] ?? nobody;
        const sockets = await Promise.all(Array.from({ length: 100 }, () => connectHowever(to)));
        for (const socket of sockets) {
          open.add(socket);
          socket.resume().once('close', () => open.delete(socket));
          if (socket.destroyed) open.delete(socket);
        }
      }
      // They go in time, though nobody closes them here.
      await expect.poll(() => open.size).toBe(0);
    });
  });

  it('of connections that begin in some way and do not go on ends in time', async () => {
    await flood(async ({ nobody }) => {
      const pieces = BEGINNINGS.flatMap((each) => Array.from({ length: AT_ONCE / 10 }, () => each));
      const begun = await Promise.all(
        pieces.map(async (left) => ({ left: [...left], socket: await connectSocket(nobody) })),
      );
      const open = new Set(begun.map(({ socket }) => socket));
      for (const socket of open) socket.resume().once('close', () => open.delete(socket));
      while (open.size > 0) {
        for (const { left, socket } of begun) {
          const piece = left.shift();
          if (piece !== undefined && open.has(socket)) socket.write(piece);
        }
        await setTimeout(50);
      }
    });
  });

  it('of frames harms nobody, whatever they are', async () => {
    await flood(async ({ anybody, nobody }) => {
      for (const [, rounds] of FRAME_FLOODS) {
        const raws = await Promise.all(
          [nobody, anybody].flatMap((to) => [send(to, rounds, true), send(to, rounds, false)]),
        );
        for (const { socket } of raws) socket.destroy();
      }
    });
  });
});
