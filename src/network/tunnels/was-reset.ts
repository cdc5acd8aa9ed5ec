import type { Socket } from 'node:net';
import { loadKoffi } from '../../koffi.ts';
import { fdOf } from '../../peer-credentials.ts';

/** `SOL_SOCKET` and `SO_ERROR` of Linux, and the bytes of what that is: socket(7). */
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const INT_BYTES = 4;

type Ask = (fd: number) => boolean;

let ask: Ask | undefined;

/**
 * Whether a socket that was read to its end was reset in truth: where a reset comes right behind
 * some data libuv says that it has ended (`uv__stream_io` of its unix/stream.c). The system knows
 * better, as long as the socket is open. False where it cannot be asked.
 */
export function wasReset(socket: Socket): boolean {
  if (process.platform !== 'linux') return false;
  ask ??= bind();
  const fd = fdOf(socket);
  return fd >= 0 && ask(fd);
}

function bind(): Ask {
  try {
    const getsockopt = loadKoffi()
      .load(null)
      .func('int getsockopt(int fd, int level, int option, void *value, _Inout_ uint32_t *size)');
    const value = Buffer.alloc(INT_BYTES);
    return (fd) =>
      getsockopt(fd, SOL_SOCKET, SO_ERROR, value, [INT_BYTES]) === 0 && value.readInt32LE() !== 0;
  } catch {
    // There is no native module for this machine.
    return () => false;
  }
}
