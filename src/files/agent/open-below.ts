import { closeSync, constants, openSync } from 'node:fs';
import { type ByteName, bytesOfName } from './byte-name.ts';
import { RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from './native.ts';
import { type Places, pathIn, pathOf } from './places.ts';

/** `O_PATH` and `O_CLOEXEC` of fcntl.h on Linux. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** `RESOLVE_NO_SYMLINKS` of linux/openat2.h. */
const RESOLVE_NO_SYMLINKS = 0x04;

const FLAGS = O_PATH | O_CLOEXEC | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Finds a folder below another, whatever became of what is on the way: no link is followed.
 *
 * @param below names with slashes between them; empty: the folder itself
 * @returns a descriptor of the kind `O_PATH`
 * @throws Error of the system
 */
export function openBelow(places: Places, folder: number, below: ByteName): number {
  const { confinement, native } = places;
  if (native !== undefined && confinement === 'openat2') {
    const resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    return native.openBeneath(folder, bytesOfName(below === '' ? '.' : below), FLAGS, resolve);
  }
  let found = openSync(pathOf(folder), O_PATH | O_CLOEXEC | constants.O_DIRECTORY);
  for (const name of below.split('/')) {
    if (name === '') continue;
    const parent = found;
    try {
      found = openSync(pathIn(parent, bytesOfName(name)), FLAGS);
    } finally {
      closeSync(parent);
    }
  }
  return found;
}
