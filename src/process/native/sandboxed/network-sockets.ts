import { closeSync } from 'node:fs';
import { errnoNameOf } from '../../../errno-name.ts';
import { MAKE_SOCKET } from '../../../sandbox/first/first-messages.ts';
import type { IpVersion, ProcessNetwork } from '../../launcher.ts';
import {
  AF_UNIX,
  type Libc,
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  type SocketMessage,
} from '../libc.ts';
import type { FirstConnection } from './first-connection.ts';

/** `struct cmsghdr` of 64-bit Linux with one descriptor: its bytes, those that count, and where it is. */
const CONTROL_SIZE = 24;
const CONTROL_LENGTH = 20;
const DESCRIPTOR_AT = 16;

/** Sockets of the network namespace of a sandbox, which its first process makes. */
export class NetworkSockets implements ProcessNetwork {
  readonly #libc: Libc;
  readonly #connection: FirstConnection;
  /** Resolves when all that were asked for were answered. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(libc: Libc, connection: FirstConnection) {
    this.#libc = libc;
    this.#connection = connection;
  }

  openSocket(version: IpVersion): Promise<number | string> {
    const asked = this.#last.then(() => this.#open(version));
    this.#last = asked.catch(() => {});
    return asked;
  }

  async #open(version: IpVersion): Promise<number | string> {
    const fds = [-1, -1];
    if (this.#libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) !== 0) {
      return errnoNameOf(this.#libc.errno());
    }
    const [ours = -1, theirs = -1] = fds;
    try {
      let failed: string | undefined;
      const answer = this.#connection.ask((fd) => {
        failed = this.#send(fd, MAKE_SOCKET[version], theirs);
      });
      // What was sent has its own.
      closeSync(theirs);
      if (failed !== undefined) return failed;
      const errno = await answer;
      if (errno === undefined) return 'ESRCH';
      return errno === 0 ? this.#receive(ours) : errnoNameOf(errno);
    } finally {
      closeSync(ours);
    }
  }

  /** Returns the name of the error, if there is one. */
  #send(fd: number, byte: Buffer, descriptor: number): string | undefined {
    const control = Buffer.alloc(CONTROL_SIZE);
    control.writeBigUInt64LE(BigInt(CONTROL_LENGTH), 0);
    control.writeInt32LE(SOL_SOCKET, 8);
    control.writeInt32LE(SCM_RIGHTS, 12);
    control.writeInt32LE(descriptor, DESCRIPTOR_AT);
    const sent = this.#libc.sendmsg(fd, messageOf(byte, control), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent === 1 ? undefined : errnoNameOf(this.#libc.errno());
  }

  #receive(fd: number): number | string {
    const control = Buffer.alloc(CONTROL_SIZE);
    const message = messageOf(Buffer.alloc(1), control);
    const got = this.#libc.recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got !== 1) return errnoNameOf(this.#libc.errno());
    // Without one there was no room for another descriptor here.
    const isThere = control.readInt32LE(12) === SCM_RIGHTS && control.readUInt32LE(0) > 0;
    return isThere ? control.readInt32LE(DESCRIPTOR_AT) : 'EMFILE';
  }
}

function messageOf(byte: Buffer, control: Buffer): SocketMessage {
  return {
    pieces: [{ at: byte, length: 1 }],
    count: 1,
    control,
    controlLength: control.byteLength,
  };
}
