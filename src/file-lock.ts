import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { constants as machine } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { loadKoffi } from './koffi.ts';
import { FILE_LOCK_WAIT_MS } from './limits.ts';

/** A lock that is held until it is released, or this process ends, however it does. */
export interface FileLock {
  /** Lets others have it, and removes its file. Idempotent. */
  release(): void;
}

/** `LOCK_EX` and `LOCK_NB` of flock(2). */
const LOCK_EX = 2;
const LOCK_NB = 4;

/** How long to wait before a lock that is held is tried again. */
const RETRY_MS = 5;

/** How flock(2) is called; undefined where it cannot be. */
type Flock = ((fd: number) => 'locked' | 'held' | 'impossible') | undefined;

let flock: Flock | null = null;

/**
 * Takes the lock that is a file, which is made with mode 0600. Where this machine or this file
 * system has no such locks, nobody is kept out.
 *
 * @throws Error if the file cannot be made or the lock is held for too long
 */
export async function lockFile(path: string): Promise<FileLock> {
  const giveUp = performance.now() + FILE_LOCK_WAIT_MS;
  for (;;) {
    const lock = tryLockFile(path);
    if (lock !== undefined) return lock;
    if (performance.now() > giveUp) throw new Error(`${path} is locked by another process`);
    await setTimeout(RETRY_MS);
  }
}

/** Does so at once; undefined if another holds it. */
function tryLockFile(path: string): FileLock | undefined {
  for (;;) {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    const fd = openSync(path, flags, 0o600);
    if (lockDescriptor(fd) === 'held') {
      closeSync(fd);
      return undefined;
    }
    // Whoever held it may have removed the file since it was opened.
    if (isFileOf(path, fstatSync(fd))) return heldLock(path, fd);
    closeSync(fd);
  }
}

/** Whether another process holds the lock that is a file, which may not be there. */
export function isLocked(path: string): boolean {
  let fd: number;
  try {
    // Whatever it is, it is not waited for.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return false;
  }
  const state = lockDescriptor(fd);
  closeSync(fd);
  return state === 'held';
}

/** Whether what is at a path is still this file, and not one that took its place. */
export function isFileOf(path: string, file: Pick<Stats, 'dev' | 'ino'>): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.ino === file.ino && found.dev === file.dev;
}

/** Locks what a descriptor is open for, until all of its copies are closed. */
export function lockDescriptor(fd: number): 'locked' | 'held' | 'impossible' {
  if (flock === null) flock = bindFlock();
  return flock === undefined ? 'impossible' : flock(fd);
}

function heldLock(path: string, fd: number): FileLock {
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      // First, so that nobody gets hold of a file that is about to go.
      if (isFileOf(path, fstatSync(fd))) unlinkSync(path);
      closeSync(fd);
    },
  };
}

function bindFlock(): Flock {
  try {
    const koffi = loadKoffi();
    const call = koffi.load(null).func('int flock(int fd, int operation)');
    return (fd) => {
      if (call(fd, LOCK_EX | LOCK_NB) === 0) return 'locked';
      return koffi.errno() === machine.errno.EWOULDBLOCK ? 'held' : 'impossible';
    };
  } catch {
    // There is no native module for this machine.
    return undefined;
  }
}
