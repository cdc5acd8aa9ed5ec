import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { FileFault, faultOf } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import { type Agent, withDescriptor } from './agent.ts';
import { systemError } from './native.ts';
import { DOT, DOT_DOT } from './path-names.ts';
import { type NamedPlace, pathIn } from './places.ts';

/** `O_PATH` and `O_CLOEXEC` of fcntl.h on Linux, which Node.js does not name. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** What is to be moved. */
export interface MoveArgs {
  readonly path: string;
  readonly targetPath: string;
  /** Whether what is at the target is replaced. */
  readonly replace: boolean;
}

/** Moves a file or folder within a file system: rename(2). */
export function move(agent: Agent, { path, replace, targetPath }: MoveArgs): FileInfo {
  const from = agent.places.findNamed(path);
  return withDescriptor(from.folder, () => {
    const to = agent.places.findNamed(targetPath);
    return withDescriptor(to.folder, () => {
      const moved = lstatSync(from.path, { bigint: true });
      assertMovable(agent, { from, moved, path, targetPath, to });
      try {
        if (replace) renameOver(from, to, moved);
        else renameNew(agent, from, to, moved);
      } catch (error) {
        throw faultOfMove(error, { path, replace, targetPath });
      }
      return describeMoved(agent, to, moved, targetPath);
    });
  });
}

interface Moving {
  readonly from: NamedPlace;
  readonly to: NamedPlace;
  readonly moved: BigIntStats;
  readonly path: string;
  readonly targetPath: string;
}

/** What rename(2) would do, and we do not; and what it could not be told of, since it has a name alone. */
function assertMovable(agent: Agent, { from, moved, path, targetPath, to }: Moving): void {
  const fault = (reason: 'FILE_BUSY' | 'NOT_A_DIRECTORY', of: string, message: string): FileFault =>
    new FileFault(reason, { operation: 'rename', path: of, message });
  if (!moved.isDirectory()) {
    if (from.asFolder) throw fault('NOT_A_DIRECTORY', path, 'a slash follows the name of a file');
    if (to.asFolder) throw fault('NOT_A_DIRECTORY', targetPath, 'only a folder can be moved there');
  }
  const root = 'it is one of the folders that the server may use';
  if (agent.places.isRoot(moved)) throw fault('FILE_BUSY', path, root);
  const there = lstatSync(to.path, { bigint: true, throwIfNoEntry: false });
  if (there !== undefined && agent.places.isRoot(there)) throw fault('FILE_BUSY', targetPath, root);
}

function renameOver(from: NamedPlace, to: NamedPlace, moved: BigIntStats): void {
  const there = lstatSync(to.path, { bigint: true, throwIfNoEntry: false });
  renameSync(from.path, to.path);
  // Of two names of one file rename(2) leaves both, and says that all is well.
  if (there === undefined || !isSame(there, moved) || isSamePlace(from, to)) return;
  const left = lstatSync(from.path, { bigint: true, throwIfNoEntry: false });
  if (left !== undefined && isSame(left, moved) && !left.isDirectory()) unlinkSync(from.path);
}

function renameNew({ places }: Agent, from: NamedPlace, to: NamedPlace, moved: BigIntStats): void {
  try {
    if (places.native !== undefined) {
      places.native.renameNew(from.folder, from.name, to.folder, to.name);
      return;
    }
  } catch (error) {
    // There is no such call, or the file system does not know of it.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'ENOSYS') throw error;
  }
  if (!moved.isDirectory()) {
    moveNewFile(from, to, moved);
    return;
  }
  if (isWithin(to.folder, moved)) throw systemError('rename', systemConstants.errno.EINVAL);
  moveNewFolder(from, to);
}

/** A folder replaces an empty one alone: there is nothing else than ours. */
function moveNewFolder(from: NamedPlace, to: NamedPlace): void {
  mkdirSync(to.path, { mode: 0o700 });
  try {
    renameSync(from.path, to.path);
  } catch (error) {
    try {
      rmdirSync(to.path);
    } catch {
      // Somebody has used it.
    }
    throw error;
  }
}

/** A name more, which link(2) makes only where there is none, and the old one less. */
function moveNewFile(from: NamedPlace, to: NamedPlace, moved: BigIntStats): void {
  linkSync(from.path, to.path);
  const left = lstatSync(from.path, { bigint: true, throwIfNoEntry: false });
  if (left === undefined || !isSame(left, moved)) return;
  try {
    unlinkSync(from.path);
  } catch (error) {
    unlinkSync(to.path);
    throw error;
  }
}

function describeMoved(agent: Agent, to: NamedPlace, moved: BigIntStats, path: string): FileInfo {
  try {
    return agent.describeNamed(to.path, path);
  } catch (error) {
    // It was moved, and is gone again: it was so much.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return agent.info(moved, path, undefined);
  }
}

function faultOfMove(error: unknown, { path, replace, targetPath }: MoveArgs): FileFault {
  const { failure, metadata, reason } = faultOf(error, 'rename', path);
  const { errnoName, message, operation } = failure;
  if (errnoName === 'EINVAL') {
    const why = 'a folder cannot be moved into itself';
    const failed = { operation, path: targetPath, errnoName, message: why };
    return new FileFault('INVALID_REQUEST', failed);
  }
  // What is said of the target, and not of the file itself.
  const isOfTarget = ['EEXIST', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR'].includes(errnoName);
  return new FileFault(
    // A folder that is not empty, by another name.
    replace && errnoName === 'EEXIST' ? 'DIRECTORY_NOT_EMPTY' : reason,
    { operation, path: isOfTarget ? targetPath : path, errnoName, message },
    metadata,
  );
}

/** Whether a folder is another, or in it, however deep. */
export function isWithin(folder: number, above: BigIntStats): boolean {
  let here = openSync(pathIn(folder, DOT), O_PATH | O_CLOEXEC);
  try {
    for (;;) {
      const stats = fstatSync(here, { bigint: true });
      if (isSame(stats, above)) return true;
      const next = openSync(pathIn(here, DOT_DOT), O_PATH | O_CLOEXEC | constants.O_DIRECTORY);
      closeSync(here);
      here = next;
      if (isSame(fstatSync(here, { bigint: true }), stats)) return false;
    }
  } finally {
    closeSync(here);
  }
}

function isSamePlace(a: NamedPlace, b: NamedPlace): boolean {
  if (!a.name.equals(b.name)) return false;
  return isSame(fstatSync(a.folder, { bigint: true }), fstatSync(b.folder, { bigint: true }));
}

interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

function isSame(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}
