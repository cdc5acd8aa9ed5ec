import { constants } from 'node:os';
import { loadKoffi } from '../../koffi.ts';
import { systemError } from '../agent/native.ts';

/** The functions of inotify(7) that never wait for a file system. */
export interface NativeInotify {
  /** @returns a descriptor; reading it does not wait. @throws Error of the system */
  open(): number;
  /** @returns how many bytes it has read; 0: there are none. @throws Error of the system */
  read(inotify: number, into: Buffer): number;
  /** Watches a folder no more. Does nothing where that is so already. */
  remove(inotify: number, watch: number): void;
  /** Calls back whenever there is something to be read, until it is ended. */
  poll(inotify: number, onReadable: () => void): Poll;
}

/** Waits for a descriptor, and keeps no program from ending. */
export interface Poll {
  close(): void;
}

/** `IN_CLOEXEC` and `IN_NONBLOCK`. */
const OPEN_FLAGS = 0o2000000 | 0o4000;

/** @returns undefined where they cannot be called */
export function loadNativeInotify(): NativeInotify | undefined {
  try {
    return nativeInotify();
  } catch {
    return undefined;
  }
}

function nativeInotify(): NativeInotify {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const init = libc.func('int inotify_init1(int flags)');
  const read = libc.func('long read(int fd, void *into, size_t size)');
  const remove = libc.func('int inotify_rm_watch(int inotify, int watch)');
  const { EAGAIN, EINTR } = constants.errno;
  return {
    open() {
      const inotify = Number(init(OPEN_FLAGS));
      if (inotify < 0) throw systemError('inotify_init1', koffi.errno());
      return inotify;
    },
    read(inotify, into) {
      const length = Number(read(inotify, into, into.length));
      if (length >= 0) return length;
      const errno = koffi.errno();
      if (errno === EAGAIN || errno === EINTR) return 0;
      throw systemError('read', errno);
    },
    remove: (inotify, watch) => void remove(inotify, watch),
    poll(inotify, onReadable) {
      // What it is called with is not what its types say.
      const handle = koffi.node.poll(inotify, { readable: true }, () => onReadable());
      handle.unref();
      return { close: () => handle.close() };
    },
  };
}
