import { lstat, realpath, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { lockDescriptor } from '../file-lock.ts';
import { LEAST_BYTES, openNameless } from '../nameless-file.ts';

/** What there is at a path. */
export interface FoundFolder {
  /** A link is none, wherever it leads. */
  readonly isFolder: boolean;
  readonly uid: number;
  /** Permission bits. */
  readonly mode: number;
}

/** The file system that a folder is on. */
export interface FolderSpace {
  /** Its number, as statfs(2) has it. */
  readonly type: number;
  /** What this user may take of it, in bytes. */
  readonly freeBytes: number;
}

/** A folder, as this user sees it. */
export interface FolderFacts {
  /** Undefined: nothing is there. */
  readonly found?: FoundFolder | undefined;
  /** The nearest folder that is there: it, or one above, in which it would be made. */
  readonly nearest: string;
  /** Undefined: it is not told. */
  readonly space?: FolderSpace | undefined;
  /** The name of the error with which nothing can be written into the nearest: `EROFS`. */
  readonly errnoName?: string | undefined;
  /** Whether a file there can be locked, by which servers know of one another. */
  readonly locks: boolean;
}

/**
 * Looks at a folder, and tries it: by a file without a name, of which nothing is left. It may wait
 * for ever, where a file system does not answer.
 */
export async function lookAtFolder(path: string): Promise<FolderFacts> {
  const nearest = await nearestFolder(path);
  try {
    const found = await foundAt(path);
    const trial = await tryToWrite(nearest);
    return { found, nearest, space: await spaceOf(nearest), ...trial };
  } catch (error) {
    // Nobody but others may look into a folder on the way.
    return { nearest, locks: false, errnoName: codeOf(error) };
  }
}

async function foundAt(path: string): Promise<FoundFolder | undefined> {
  try {
    const stats = await lstat(path);
    return { isFolder: stats.isDirectory(), uid: stats.uid, mode: stats.mode & 0o7777 };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The folder itself, or the first above it that is there. */
async function nearestFolder(path: string): Promise<string> {
  const above = dirname(path);
  if (above === path) return path;
  try {
    const isFolder = (await stat(path)).isDirectory();
    return isFolder ? await realpath(path) : await nearestFolder(above);
  } catch {
    return nearestFolder(above);
  }
}

async function tryToWrite(folder: string): Promise<Pick<FolderFacts, 'errnoName' | 'locks'>> {
  try {
    const handle = await openNameless(folder);
    try {
      await handle.writeFile(Buffer.alloc(LEAST_BYTES));
      return { errnoName: undefined, locks: lockDescriptor(handle.fd) === 'locked' };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { errnoName: codeOf(error), locks: false };
  }
}

async function spaceOf(folder: string): Promise<FolderSpace | undefined> {
  try {
    const { bavail, bsize, type } = await statfs(folder);
    return { type, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
}
