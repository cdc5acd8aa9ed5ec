import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { FileFault } from '../file-fault.ts';
import { RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from './native.ts';
import { type Places, pathIn } from './places.ts';

/** `O_PATH` and `O_CLOEXEC` of fcntl.h on Linux, which Node.js does not name. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** `RESOLVE_NO_XDEV` and `RESOLVE_NO_SYMLINKS` of linux/openat2.h. */
const RESOLVE_NO_XDEV = 0x01;
const RESOLVE_NO_SYMLINKS = 0x04;

const FLAGS = O_PATH | O_CLOEXEC | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const RESOLVE = RESOLVE_NO_XDEV | RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

/**
 * Finds a folder in another to take it apart. No link is followed.
 *
 * @param path names it in a fault
 * @returns a descriptor of the kind `O_PATH`
 * @throws FileFault `FILE_BUSY`: something is mounted there, or it is a root; or an error of the
 *   system
 */
export function enterFolder(
  places: Places,
  folder: number,
  name: Buffer,
  path: () => string,
): number {
  const found = openHere(places, folder, name, path);
  try {
    const stats = fstatSync(found, { bigint: true });
    if (places.isRoot(stats)) {
      throw busy(path(), 'it is one of the folders that the server may use');
    }
    return found;
  } catch (error) {
    closeSync(found);
    throw error;
  }
}

function openHere(places: Places, folder: number, name: Buffer, path: () => string): number {
  const { confinement, native } = places;
  if (native !== undefined && confinement === 'openat2') {
    try {
      return native.openBeneath(folder, name, FLAGS, RESOLVE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EXDEV') throw busy(path(), MOUNTED);
      throw error;
    }
  }
  const found = openSync(pathIn(folder, name), FLAGS);
  if (mountOf(found) === mountOf(folder)) return found;
  closeSync(found);
  throw busy(path(), MOUNTED);
}

const MOUNTED = 'something is mounted there';

/** Which mount a descriptor is of: its number, and that of the device where proc(5) has no such number. */
function mountOf(descriptor: number): string {
  const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
  return `${/^mnt_id:\s*(\d+)/m.exec(info)?.[1]} ${fstatSync(descriptor).dev}`;
}

function busy(path: string, message: string): FileFault {
  return new FileFault('FILE_BUSY', { operation: 'remove', path, errnoName: 'EBUSY', message });
}
