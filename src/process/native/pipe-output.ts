import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Readable } from 'node:stream';
import { PIPE_READ_BYTES } from '../../output/sizes.ts';

/** What every read of every pipe goes to: one is over before the next begins. */
const target = Buffer.allocUnsafeSlow(PIPE_READ_BYTES);

/**
 * The output that comes through a pipe, whose descriptor is closed with it. Whoever
 * listens to `data` is given memory that is used again when the listener returns:
 * memory of its own for every read is more than the garbage collector can take. In
 * the other ways to read a stream, pieces stay as they are.
 */
export function pipeOutput(fd: number): Readable {
  // The types know `onread` of connections alone; a socket is made ready for it either way.
  const options: SocketConstructorOpts & ConnectOpts = {
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: target,
      callback: (bytes) => {
        const piece = target.subarray(0, bytes);
        if (socket.readableFlowing !== true || socket.readableLength > 0) {
          return socket.push(Buffer.from(piece));
        }
        socket.emit('data', piece);
        return !socket.isPaused();
      },
    },
  };
  const socket = new Socket(options);
  return socket;
}
