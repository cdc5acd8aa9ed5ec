import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  statfsSync,
} from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { systemError } from './native.ts';
import { DOT, DOT_DOT, endsAsFolder, isAbsolute, namesOf } from './path-names.ts';
import { pathIn, pathOf } from './proc-paths.ts';
import { LostWayError, Trail } from './trail.ts';

/** `O_PATH` and `O_CLOEXEC` of fcntl.h on Linux, which Node.js does not name. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** Links on one way: MAXSYMLINKS of Linux. */
const MAX_LINKS = 40;

/** How often a way is tried anew on which something was swapped meanwhile. */
const MAX_TRIES = 1000;

const { EAGAIN, ELOOP, ENOTDIR, EACCES } = systemConstants.errno;

/** `PROC_SUPER_MAGIC` of linux/magic.h, and the inode of its first folder. */
const PROC_SUPER_MAGIC = 0x9fa0;
const PROC_ROOT_INO = 1n;

/** Sizes that proc(5) says its magic links have. */
const MAGIC_SIZES = [0n, 64n];

const S_ISVTX = 0o1000n;
const S_IWOTH = 0o002n;

/** Where a path is looked for. */
export interface Walk {
  /** A descriptor of the folder that it begins in. */
  readonly base: number;
  /** Whether what leads out of that is refused. */
  readonly confined: boolean;
  /** Of open(2): `O_DIRECTORY` and `O_NOFOLLOW` count. */
  readonly flags: number;
}

/** A path leads out of the folder that it is confined to. */
export class LeadsOutError extends Error {}

/**
 * What openat2(2) does with `O_PATH`, `RESOLVE_NO_MAGICLINKS` and, where it is confined,
 * `RESOLVE_BENEATH`, where there is no such thing: from descriptor to descriptor, a name after the
 * other, and never through a link but by reading it.
 *
 * @returns a descriptor of the kind `O_PATH`
 * @throws LeadsOutError; an error of the system
 */
export function walkPath(walk: Walk, below: Buffer): number {
  for (let tries = 1; ; tries++) {
    try {
      return walkOnce(walk, below);
    } catch (error) {
      if (!(error instanceof LostWayError)) throw error;
      if (tries >= MAX_TRIES) throw systemError('open', EAGAIN);
    }
  }
}

function walkOnce({ base, confined, flags }: Walk, below: Buffer): number {
  const trail = new Trail(base);
  try {
    // The next is the last of the list.
    const left = namesOf(below).reverse();
    let mustBeFolder = (flags & constants.O_DIRECTORY) !== 0 || endsAsFolder(below);
    const follows = (flags & constants.O_NOFOLLOW) === 0 || endsAsFolder(below);
    let links = 0;
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name.equals(DOT) || name.equals(DOT_DOT)) {
        // As the system does: it looks whether the folder may be searched.
        lstatSync(pathIn(trail.top, DOT));
        if (name.equals(DOT)) continue;
        if (trail.depth > 0) trail.pop();
        else if (confined) throw new LeadsOutError('leads out by ..');
        continue;
      }
      const isLast = left.length === 0;
      const found = openSync(pathIn(trail.top, name), O_PATH | O_CLOEXEC | constants.O_NOFOLLOW);
      const stats = statsOf(found);
      if (stats.isSymbolicLink() && (!isLast || follows)) {
        links += 1;
        const target = closing(found, () => {
          if (links > MAX_LINKS) throw systemError('open', ELOOP);
          if (isLast) assertFollowed(trail.top, stats);
          assertNotMagic(trail.top, stats);
          return linkTarget(trail.top, name, stats);
        });
        if (isAbsolute(target)) {
          if (confined) throw new LeadsOutError('leads out by a link');
          trail.clear();
        }
        mustBeFolder ||= isLast && endsAsFolder(target);
        left.push(...namesOf(target).reverse());
        continue;
      }
      if ((!isLast || mustBeFolder) && !stats.isDirectory()) {
        closeSync(found);
        throw systemError('open', ENOTDIR);
      }
      trail.push(found);
    }
    return trail.take() ?? openSync(pathIn(base, DOT), O_PATH | O_CLOEXEC);
  } finally {
    trail.clear();
  }
}

function statsOf(found: number): BigIntStats {
  try {
    return fstatSync(found, { bigint: true });
  } catch (error) {
    closeSync(found);
    throw error;
  }
}

function closing<T>(descriptor: number, use: () => T): T {
  try {
    return use();
  } finally {
    closeSync(descriptor);
  }
}

/** What a link that is open leads to. Node.js reads it by its name alone, which has to be the link's still. */
function linkTarget(folder: number, name: Buffer, { dev, ino }: BigIntStats): Buffer {
  const at = pathIn(folder, name);
  try {
    const target = readlinkSync(at, { encoding: 'buffer' });
    const now = lstatSync(at, { bigint: true });
    if (now.dev === dev && now.ino === ino) return target;
  } catch {
    // It is gone, or no link any more.
  }
  throw new LostWayError('a link was swapped');
}

/** Links of proc(5) that lead to what is open elsewhere, whatever they say: RESOLVE_NO_MAGICLINKS. */
function assertNotMagic(folder: number, link: BigIntStats): void {
  if (!MAGIC_SIZES.includes(link.size)) return;
  if (statfsSync(pathOf(folder)).type !== PROC_SUPER_MAGIC) return;
  if (fstatSync(folder, { bigint: true }).ino === PROC_ROOT_INO) return;
  throw systemError('open', ELOOP);
}

/** Links that the system does not follow for everyone: `protected_symlinks` of proc_sys_fs(5). */
function assertFollowed(folder: number, link: BigIntStats): void {
  if (link.uid === BigInt(process.geteuid?.() ?? 0)) return;
  const { mode, uid } = fstatSync(folder, { bigint: true });
  if ((mode & S_ISVTX) === 0n || (mode & S_IWOTH) === 0n || uid === link.uid) return;
  if (protectsLinks()) throw systemError('open', EACCES);
}

function protectsLinks(): boolean {
  try {
    return readFileSync('/proc/sys/fs/protected_symlinks', 'latin1').trim() !== '0';
  } catch {
    return true;
  }
}
