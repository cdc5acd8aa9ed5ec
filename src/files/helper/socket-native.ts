import { constants } from 'node:os';
import { loadKoffi } from '../../koffi.ts';
import { systemError } from '../agent/native.ts';

/** The functions of Unix sockets that Node.js does not have. None of them waits. */
export interface NativeSockets {
  /** @returns the two ends. @throws Error of the system */
  pair(): readonly [number, number];
  /**
   * Sends some bytes, and a descriptor with the first of them.
   *
   * @returns how many were sent; 0: there is no room now. @throws Error of the system
   */
  send(socket: number, bytes: Uint8Array, descriptor: number | undefined): number;
  /** @throws Error of the system */
  receive(socket: number, into: Uint8Array): Received;
  /** Another descriptor of the same. @throws Error of the system */
  duplicate(descriptor: number): number;
  /** Calls back when there is something to be received, or, where it is wanted, room to send. */
  poll(socket: number, onReady: () => void): SocketPoll;
}

/** What a socket gave. */
export interface Received {
  /** How many bytes; 0: nothing came yet. Undefined: the other end is closed. */
  readonly bytes: number | undefined;
  /** Descriptors that came with them, which are ours now. */
  readonly descriptors: readonly number[];
  /** Whether there were more of those than there is room for. */
  readonly truncated: boolean;
}

/** Waits for a socket. */
export interface SocketPoll {
  /** Whether room to send is waited for as well. */
  wantRoom(wanted: boolean): void;
  /** Keeps no program from ending any more. */
  unref(): void;
  close(): void;
}

/** Of sys/socket.h and fcntl.h on Linux. */
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x08;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const F_DUPFD_CLOEXEC = 1030;

/** `struct msghdr` and `struct iovec` of 64-bit Linux: where their members are. */
const MSGHDR_BYTES = 56;
const IOV_AT = 16;
const IOV_COUNT_AT = 24;
const CONTROL_AT = 32;
const CONTROL_LENGTH_AT = 40;
const FLAGS_AT = 48;
const IOVEC_BYTES = 16;

/** `struct cmsghdr`: a length, a level and a type, then descriptors, filled up to 8 bytes. */
const CMSG_HEAD_BYTES = 16;
const DESCRIPTOR_BYTES = 4;
/** Room for two: more than one is one too many, and is to be noticed. */
const CONTROL_BYTES = CMSG_HEAD_BYTES + 2 * DESCRIPTOR_BYTES;

/** @returns undefined where they cannot be called */
export function loadNativeSockets(): NativeSockets | undefined {
  try {
    return nativeSockets();
  } catch {
    return undefined;
  }
}

function nativeSockets(): NativeSockets {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const socketpair = libc.func(
    'int socketpair(int domain, int type, int protocol, _Out_ int *fds)',
  );
  const sendmsg = libc.func('long sendmsg(int socket, const void *message, int flags)');
  const recvmsg = libc.func('long recvmsg(int socket, void *message, int flags)');
  const fcntl = libc.func('int fcntl(int fd, int command, int argument)');
  const { EAGAIN, EINTR } = constants.errno;
  const failed = (name: string): NodeJS.ErrnoException => systemError(name, koffi.errno());
  const message = Buffer.alloc(MSGHDR_BYTES);
  const iovec = Buffer.alloc(IOVEC_BYTES);
  const control = Buffer.alloc(CONTROL_BYTES);
  /** What is sent, or where to what comes goes. One call is over before the next begins. */
  const describe = (bytes: Uint8Array, controlBytes: number): void => {
    iovec.writeBigUInt64LE(koffi.address(bytes), 0);
    iovec.writeBigUInt64LE(BigInt(bytes.byteLength), 8);
    message.fill(0);
    message.writeBigUInt64LE(koffi.address(iovec), IOV_AT);
    message.writeBigUInt64LE(1n, IOV_COUNT_AT);
    if (controlBytes === 0) return;
    message.writeBigUInt64LE(koffi.address(control), CONTROL_AT);
    message.writeBigUInt64LE(BigInt(controlBytes), CONTROL_LENGTH_AT);
  };
  /** Undefined: not now. */
  const tried = (name: string, result: number): number | undefined => {
    if (result >= 0) return result;
    const errno = koffi.errno();
    if (errno === EAGAIN || errno === EINTR) return undefined;
    throw systemError(name, errno);
  };
  return {
    pair() {
      const ends = [-1, -1];
      if (socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, ends) !== 0) throw failed('socketpair');
      return [ends[0] ?? -1, ends[1] ?? -1];
    },
    send(socket, bytes, descriptor) {
      if (descriptor === undefined) describe(bytes, 0);
      else {
        describe(bytes, CONTROL_BYTES - DESCRIPTOR_BYTES);
        control.writeBigUInt64LE(BigInt(CMSG_HEAD_BYTES + DESCRIPTOR_BYTES), 0);
        control.writeInt32LE(SOL_SOCKET, 8);
        control.writeInt32LE(SCM_RIGHTS, 12);
        control.writeInt32LE(descriptor, CMSG_HEAD_BYTES);
      }
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      return tried('sendmsg', Number(sendmsg(socket, message, flags))) ?? 0;
    },
    receive(socket, into) {
      describe(into, CONTROL_BYTES);
      const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
      const bytes = tried('recvmsg', Number(recvmsg(socket, message, flags)));
      if (bytes === undefined) return { bytes: 0, descriptors: [], truncated: false };
      const truncated = (message.readInt32LE(FLAGS_AT) & MSG_CTRUNC) !== 0;
      const length = Number(message.readBigUInt64LE(CONTROL_LENGTH_AT));
      return {
        bytes: bytes === 0 ? undefined : bytes,
        descriptors: descriptorsIn(control.subarray(0, length)),
        truncated,
      };
    },
    duplicate(descriptor) {
      const copy = Number(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
      if (copy < 0) throw failed('fcntl');
      return copy;
    },
    poll(socket, onReady) {
      // What it is called with is not what its types say.
      const handle = koffi.node.poll(socket, { readable: true }, () => onReady());
      let hasRoomToWait = false;
      return {
        wantRoom(wanted) {
          if (wanted === hasRoomToWait) return;
          hasRoomToWait = wanted;
          handle.start({ readable: true, writable: wanted }, () => onReady());
        },
        unref: () => handle.unref(),
        close: () => handle.close(),
      };
    },
  };
}

/** The descriptors of one control message; the kernel has checked and made it. */
function descriptorsIn(control: Buffer): number[] {
  if (control.byteLength < CMSG_HEAD_BYTES) return [];
  const length = Number(control.readBigUInt64LE(0));
  const isRights = control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS;
  const descriptors: number[] = [];
  if (!isRights) return descriptors;
  for (let at = CMSG_HEAD_BYTES; at + DESCRIPTOR_BYTES <= length; at += DESCRIPTOR_BYTES) {
    descriptors.push(control.readInt32LE(at));
  }
  return descriptors;
}
