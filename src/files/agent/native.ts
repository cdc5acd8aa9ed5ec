import { errnoNameOf } from '../../errno-name.ts';
import { loadKoffi } from '../../koffi.ts';

/** The system calls on files that Node.js does not have. Each throws an error as those of `node:fs`. */
export interface NativeFiles {
  /** openat2(2). @returns a descriptor */
  openBeneath(folder: number, path: Buffer, flags: number, resolve: number): number;
  /** renameat2(2) with `RENAME_NOREPLACE` */
  renameNew(fromFolder: number, from: Buffer, toFolder: number, to: Buffer): void;
  /** linkat(2) of an open file, which may have no name, to one that must not be there. */
  linkDescriptor(descriptor: number, folder: number, name: Buffer): void;
  /**
   * utimensat(2) of what is open, a link with `O_PATH` too: when its content was changed last, in
   * nanoseconds since 1970, which may be before it.
   */
  setModifyTime(descriptor: number, ns: bigint): void;
}

/** `SYS_openat2`, the same on x86-64 and ARM 64. */
const SYS_OPENAT2 = 437;
const OPEN_HOW_BYTES = 24;

const AT_FDCWD = -100;
const AT_SYMLINK_FOLLOW = 0x400;
const RENAME_NOREPLACE = 1;

/** `RESOLVE_NO_MAGICLINKS` and `RESOLVE_BENEATH` of linux/openat2.h. */
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_BENEATH = 0x08;

/** `UTIME_OMIT` of sys/stat.h: this time stays. */
const UTIME_OMIT = (1n << 30n) - 2n;
const TIMESPEC_BYTES = 16;

/** How often a path is tried again that the kernel could not follow safely beside a rename(2). */
const MAX_TRIES = 100;

/** @returns undefined where they cannot be called */
export function loadNativeFiles(): NativeFiles | undefined {
  try {
    return nativeFiles();
  } catch {
    return undefined;
  }
}

function nativeFiles(): NativeFiles {
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const syscall = libc.func(
    'long syscall(long number, int folder, const void *path, const void *how, size_t size)',
  );
  const renameat2 = libc.func(
    'int renameat2(int fromFolder, const void *from, int toFolder, const void *to, unsigned int flags)',
  );
  const linkat = libc.func(
    'int linkat(int fromFolder, const void *from, int toFolder, const void *to, int flags)',
  );
  const utimensat = libc.func(
    'int utimensat(int folder, const void *path, const void *times, int flags)',
  );
  const failed = (name: string): NodeJS.ErrnoException => systemError(name, koffi.errno());
  const how = Buffer.alloc(OPEN_HOW_BYTES);
  return {
    openBeneath(folder, path, flags, resolve) {
      how.fill(0);
      how.writeBigUInt64LE(BigInt(flags), 0);
      how.writeBigUInt64LE(BigInt(resolve), 16);
      const text = ended(path);
      for (let tries = 1; ; tries++) {
        const found = Number(syscall(SYS_OPENAT2, folder, text, how, OPEN_HOW_BYTES));
        if (found >= 0) return found;
        const error = failed('openat2');
        if (error.code !== 'EAGAIN' && error.code !== 'EINTR') throw error;
        if (tries >= MAX_TRIES) throw error;
      }
    },
    renameNew(fromFolder, from, toFolder, to) {
      if (renameat2(fromFolder, ended(from), toFolder, ended(to), RENAME_NOREPLACE) !== 0) {
        throw failed('renameat2');
      }
    },
    linkDescriptor(descriptor, folder, name) {
      const path = Buffer.from(`/proc/self/fd/${descriptor}\0`);
      if (linkat(AT_FDCWD, path, folder, ended(name), AT_SYMLINK_FOLLOW) !== 0) {
        throw failed('linkat');
      }
    },
    setModifyTime(descriptor, ns) {
      const { nanos, seconds } = splitNs(ns);
      const times = Buffer.alloc(2 * TIMESPEC_BYTES);
      times.writeBigInt64LE(UTIME_OMIT, 8);
      times.writeBigInt64LE(seconds, TIMESPEC_BYTES);
      times.writeBigInt64LE(nanos, TIMESPEC_BYTES + 8);
      const path = Buffer.from(`/proc/self/fd/${descriptor}\0`);
      if (utimensat(AT_FDCWD, path, times, 0) !== 0) throw failed('utimensat');
    },
  };
}

/** An error of the system as `node:fs` throws it. */
export function systemError(syscall: string, errno: number): NodeJS.ErrnoException {
  const code = errnoNameOf(errno);
  return Object.assign(new Error(`${code}: ${syscall} failed`), { code, errno: -errno, syscall });
}

const NS_PER_SECOND = 1_000_000_000n;

/** Nanoseconds since 1970 as the system has them: those of a second are never negative. */
function splitNs(ns: bigint): { readonly seconds: bigint; readonly nanos: bigint } {
  const nanos = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return { seconds: (ns - nanos) / NS_PER_SECOND, nanos };
}

/** A path as C has it. */
function ended(path: Buffer): Buffer {
  return Buffer.concat([path, Buffer.of(0)]);
}
