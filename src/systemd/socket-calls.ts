import { errnoNameOf } from '../errno-name.ts';
import { loadKoffi } from '../koffi.ts';

/*
 * What Node.js cannot do with sockets: send to a datagram socket of the file system, and ask a
 * descriptor what it is. The constants and layouts are those of 64-bit Linux.
 */

/** `AF_UNIX`, `AF_INET` and `AF_INET6` of socket(2). */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
/** `SOCK_STREAM`, and the options of socket(7) that tell what a socket is. */
export const SOCK_STREAM = 1;
export const SO_TYPE = 3;
export const SO_ACCEPTCONN = 30;
export const SO_DOMAIN = 39;
const SOL_SOCKET = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
/** `MSG_DONTWAIT` and `MSG_NOSIGNAL` of send(2). */
const SEND_FLAGS = 0x40 | 0x4000;
/** `F_SETFD` and `FD_CLOEXEC` of fcntl(2). */
const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** Bytes of a `struct sockaddr_storage`: any address fits. */
const SOCKADDR_BYTES = 128;

/** The calls. None of them waits, and each throws an error with the `code` of the system's. */
export interface SocketCalls {
  /** Makes a Unix socket for datagrams, which no program that is started inherits. */
  datagramSocket(): number;
  /** Sends a datagram to a `struct sockaddr`. */
  sendTo(fd: number, bytes: Uint8Array, address: Uint8Array): void;
  /** The value of a socket's option that is a number. */
  optionOf(fd: number, option: number): number;
  /** The `struct sockaddr` that a socket is bound to, as long as it is. */
  nameOf(fd: number): Buffer;
  /** Says whether programs that are started inherit a descriptor. */
  setInherited(fd: number, inherited: boolean): void;
}

let loaded: SocketCalls | undefined;

/** @throws Error where there is no native module for this machine */
export function socketCalls(): SocketCalls {
  try {
    loaded ??= bind();
    return loaded;
  } catch (cause) {
    throw new Error('koffi, the native module, cannot be loaded on this machine', { cause });
  }
}

function bind(): SocketCalls {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const sendto = libc.func(
    'long sendto(int fd, const void *bytes, size_t length, int flags, const void *address, uint32_t size)',
  );
  const getsockopt = libc.func(
    'int getsockopt(int fd, int level, int option, _Out_ int *value, _Inout_ uint32_t *size)',
  );
  const getsockname = libc.func('int getsockname(int fd, void *address, _Inout_ uint32_t *size)');
  const fcntl = libc.func('int fcntl(int fd, int command, int argument)');
  const done = (call: string, result: number): number => {
    if (result >= 0) return result;
    const code = errnoNameOf(koffi.errno());
    throw Object.assign(new Error(`${call}: ${code}`), { code, syscall: call });
  };
  return {
    datagramSocket: () => done('socket', socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)),
    sendTo(fd, bytes, address) {
      const { byteLength } = bytes;
      done(
        'sendto',
        Number(sendto(fd, bytes, byteLength, SEND_FLAGS, address, address.byteLength)),
      );
    },
    optionOf(fd, option) {
      const value = [0];
      done('getsockopt', getsockopt(fd, SOL_SOCKET, option, value, [4]));
      return value[0] ?? 0;
    },
    nameOf(fd) {
      const address = Buffer.alloc(SOCKADDR_BYTES);
      const size = [SOCKADDR_BYTES];
      done('getsockname', getsockname(fd, address, size));
      return address.subarray(0, size[0]);
    },
    setInherited(fd, inherited) {
      done('fcntl', fcntl(fd, F_SETFD, inherited ? 0 : FD_CLOEXEC));
    },
  };
}
