import { futimesSync, lutimesSync } from 'node:fs';
import { loadKoffi } from '../../koffi.ts';
import { systemError } from './native.ts';

/** When something was changed last: seconds since 1970, and nanoseconds after them. */
export interface FileTime {
  readonly seconds: number;
  readonly nanos: number;
}

/** Sets when content was changed last. Node.js has no nanoseconds, and always sets the time of reading. */
export interface FileTimes {
  /** Of an open file or folder. */
  set(descriptor: number, time: FileTime): void;
  /** Of what has a path, a link itself. */
  setNamed(path: Buffer, time: FileTime): void;
}

/** `struct timespec[2]`: of reading, and of change. */
const TIMES_BYTES = 32;
const UTIME_OMIT = (1n << 30n) - 2n;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

let loaded: FileTimes | undefined;

/** By utimensat(2), or by node:fs where that cannot be called, as exactly as that does. */
export function fileTimes(): FileTimes {
  loaded ??= nativeTimes() ?? NODE_TIMES;
  return loaded;
}

function nativeTimes(): FileTimes | undefined {
  try {
    const koffi = loadKoffi();
    const libc = koffi.load(null);
    const futimens = libc.func('int futimens(int descriptor, const void *times)');
    const utimensat = libc.func(
      'int utimensat(int folder, const void *path, const void *times, int flags)',
    );
    const times = Buffer.alloc(TIMES_BYTES);
    times.writeBigInt64LE(UTIME_OMIT, 8);
    const at = ({ nanos, seconds }: FileTime): Buffer => {
      times.writeBigInt64LE(BigInt(seconds), 16);
      times.writeBigInt64LE(BigInt(nanos), 24);
      return times;
    };
    return {
      set(descriptor, time) {
        if (futimens(descriptor, at(time)) !== 0) throw systemError('futimens', koffi.errno());
      },
      setNamed(path, time) {
        const text = Buffer.concat([path, Buffer.of(0)]);
        if (utimensat(AT_FDCWD, text, at(time), AT_SYMLINK_NOFOLLOW) !== 0) {
          throw systemError('utimensat', koffi.errno());
        }
      },
    };
  } catch {
    return undefined;
  }
}

const NODE_TIMES: FileTimes = {
  set: (descriptor, time) => futimesSync(descriptor, Date.now() / 1000, inSeconds(time)),
  setNamed: (path, time) => lutimesSync(path, Date.now() / 1000, inSeconds(time)),
};

function inSeconds({ nanos, seconds }: FileTime): number {
  return seconds + nanos / 1e9;
}
