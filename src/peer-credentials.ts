import type { Socket } from 'node:net';
import { loadKoffi } from './koffi.ts';

/** The process at the other end of a Unix socket, when it connected or began to listen. */
export interface PeerCredentials {
  /** Undefined where the system does not tell it. */
  readonly pid: number | undefined;
  readonly uid: number;
}

/** `SOL_SOCKET` and `SO_PEERCRED` of Linux, and the bytes of its `struct ucred`: unix(7). */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const UCRED_BYTES = 12;

type Ask = (fd: number) => PeerCredentials | undefined;

let ask: Ask | undefined;

/** Whether {@link peerOf} can tell anything on this machine. */
export function tellsPeers(): boolean {
  try {
    ask ??= bind();
    return true;
  } catch {
    // There is no native module for this machine.
    return false;
  }
}

/** Who is at the other end of a Unix socket, as the system tells it. Undefined: it does not. */
export function peerOf(socket: Socket): PeerCredentials | undefined {
  if (!tellsPeers()) return undefined;
  return ask?.(fdOf(socket));
}

function bind(): Ask {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  if (process.platform !== 'linux') {
    const getpeereid = libc.func(
      'int getpeereid(int fd, _Out_ uint32_t *uid, _Out_ uint32_t *gid)',
    );
    return (fd) => {
      const uid = [0];
      return getpeereid(fd, uid, [0]) === 0 ? { pid: undefined, uid: uid[0] ?? 0 } : undefined;
    };
  }
  const getsockopt = libc.func(
    'int getsockopt(int fd, int level, int option, void *value, _Inout_ uint32_t *size)',
  );
  return (fd) => {
    const credentials = Buffer.alloc(UCRED_BYTES);
    const size = [UCRED_BYTES];
    const failed = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, size);
    if (failed !== 0 || size[0] !== UCRED_BYTES) return undefined;
    return { pid: credentials.readInt32LE(0), uid: credentials.readUInt32LE(4) };
  };
}

/** The descriptor of a socket; -1: it is closed. There is no public way to it: https://github.com/nodejs/node/issues/37885 */
export function fdOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null && Reflect.get(handle, 'fd');
  return typeof fd === 'number' ? fd : -1;
}
