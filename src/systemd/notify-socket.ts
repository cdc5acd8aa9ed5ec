import { closeSync } from 'node:fs';
import { AF_UNIX, socketCalls } from './socket-calls.ts';

/** Where a service manager is told something. */
export interface NotifySocket {
  /**
   * Sends one notice, without waiting.
   *
   * @returns false: there is no room for it now
   * @throws Error of the system
   */
  send(notice: string): boolean;
  close(): void;
}

/** Bytes of `sun_path`: unix(7). */
const PATH_BYTES = 108;

/** What passes by itself: nobody has read yet what was sent before. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(['EAGAIN', 'EINTR', 'ENOBUFS']);

/**
 * Opens the socket that `NOTIFY_SOCKET` names, sd_notify(3): a path, or with `@` before it the
 * name of an abstract socket.
 *
 * @throws Error if it names none, or there is no native module for this machine
 */
export function openNotifySocket(where: string): NotifySocket {
  const address = addressOf(where);
  const calls = socketCalls();
  const fd = calls.datagramSocket();
  return {
    send(notice) {
      try {
        calls.sendTo(fd, Buffer.from(notice), address);
        return true;
      } catch (error) {
        if (NO_ROOM.has((error as NodeJS.ErrnoException).code)) return false;
        throw error;
      }
    },
    close: () => closeSync(fd),
  };
}

/** A `struct sockaddr_un`. */
function addressOf(where: string): Buffer {
  const isAbstract = where.startsWith('@');
  if (!isAbstract && !where.startsWith('/')) {
    throw new Error('NOTIFY_SOCKET is neither a path nor an abstract socket');
  }
  const name = Buffer.from(isAbstract ? `\0${where.slice(1)}` : `${where}\0`);
  if (name.byteLength > PATH_BYTES) throw new Error('NOTIFY_SOCKET is too long');
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name]);
}
