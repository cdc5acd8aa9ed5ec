import { type BigIntStats, fchmodSync, fchownSync, fstatSync } from 'node:fs';
import { newFileMode } from './umask.ts';

/** Set-user-ID and set-group-ID: they let others act as the owner or the group of a file. */
const SET_ID = 0o6000;

/** What the system says where it does not let us give a file to somebody. */
const NOT_ALLOWED = new Set(['EPERM', 'EACCES', 'EINVAL', 'ENOSYS', 'EOPNOTSUPP']);

/**
 * Lets a new file have the owner, group and mode of that which it replaces, as far as we may, or
 * the mode that is named.
 *
 * @param found what it replaces; undefined: nothing
 */
export function takeAfter(
  descriptor: number,
  found: BigIntStats | undefined,
  mode: number | undefined,
): void {
  const isSameOwner = found === undefined || takeOwner(descriptor, found);
  fchmodSync(descriptor, mode ?? modeAfter(found, isSameOwner));
}

/** What runs as its owner must not run as another because the owner could not be kept. */
function modeAfter(found: BigIntStats | undefined, isSameOwner: boolean): number {
  if (found === undefined) return newFileMode();
  const mode = Number(found.mode) & 0o7777;
  return isSameOwner ? mode : mode & ~SET_ID;
}

/** @returns whether it has both now */
function takeOwner(descriptor: number, { gid, uid }: BigIntStats): boolean {
  const own = fstatSync(descriptor);
  if (own.uid === Number(uid) && own.gid === Number(gid)) return true;
  if (tryOwner(descriptor, Number(uid), Number(gid))) return true;
  tryOwner(descriptor, own.uid, Number(gid));
  return false;
}

function tryOwner(descriptor: number, uid: number, gid: number): boolean {
  try {
    fchownSync(descriptor, uid, gid);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (NOT_ALLOWED.has(code)) return false;
    throw error;
  }
}
