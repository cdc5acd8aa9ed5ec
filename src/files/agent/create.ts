import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  symlinkSync,
} from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { bytesOfText } from '../../system-text.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import { type Agent, withDescriptor } from './agent.ts';
import { systemError } from './native.ts';
import { isDots, splitName } from './path-names.ts';
import { pathIn, pathOf } from './places.ts';
import { Turn } from './turns.ts';

/** `O_PATH` and `O_CLOEXEC` of fcntl.h on Linux, which Node.js does not name. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

const FOUND_FOLDER = O_PATH | O_CLOEXEC | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Less the server's umask. */
const DEFAULT_MODE = 0o777;

/** Makes a folder and, with `parents`, those on the way that are not there. */
export function* createDirectory(
  agent: Agent,
  {
    mode,
    parents,
    path,
  }: { readonly path: string; readonly parents: boolean; readonly mode: number | undefined },
): Generator<undefined, FileInfo> {
  if (parents) {
    const there = findFolder(agent, path);
    if (there !== undefined) return withDescriptor(there, () => agent.describe(there, path));
    yield* makeFolders(agent, folderOf(path));
  }
  try {
    return makeFolder(agent, path, mode);
  } catch (error) {
    const there = parents && isThere(error) ? findFolder(agent, path) : undefined;
    if (there === undefined) throw withoutName(error, path);
    // Somebody else has just made it.
    return withDescriptor(there, () => agent.describe(there, path));
  }
}

/**
 * Makes a folder that is not there, and those on the way to it.
 *
 * @throws FileFault
 */
export function* makeFolders(agent: Agent, path: string): Generator<undefined, void> {
  const turn = new Turn();
  const missing: string[] = [];
  let here = findFolder(agent, path);
  try {
    for (let folder = path; here === undefined; here = findFolder(agent, folder)) {
      missing.push(folder);
      folder = folderOf(folder);
      yield* turn.rest();
    }
    for (const folder of missing.reverse()) {
      const next = makeIn(agent, here, folder);
      closeSync(here);
      here = next;
      yield* turn.rest();
    }
  } finally {
    if (here !== undefined) closeSync(here);
  }
}

/** Makes a folder in one that is open, unless somebody else does, and opens it. */
function makeIn(agent: Agent, folder: number, path: string): number {
  const { name } = splitName(bytesOfText(path));
  if (!isDots(name)) {
    const at = pathIn(folder, name);
    try {
      mkdirSync(at, { mode: DEFAULT_MODE });
      return openSync(at, FOUND_FOLDER);
    } catch (error) {
      const { errnoName } = faultOf(error, 'mkdir', path).failure;
      if (errnoName !== 'EEXIST' && errnoName !== 'ENOTDIR') throw faultOf(error, 'mkdir', path);
    }
  }
  // Out of a folder that was just made, or somebody else's.
  const there = findFolder(agent, path);
  if (there === undefined) throw systemError('mkdir', systemConstants.errno.ENOENT);
  return there;
}

/** Makes a symbolic link. */
export function createSymlink(
  agent: Agent,
  { path, target }: { readonly path: string; readonly target: string },
): FileInfo {
  const { asFolder, folder, path: at } = named(agent, path);
  return withDescriptor(folder, () => {
    if (asFolder) {
      lstatSync(at);
      throw new FileFault('FILE_EXISTS', { operation: 'symlink', path, errnoName: 'EEXIST' });
    }
    symlinkSync(bytesOfText(target), at);
    return agent.describeNamed(at, path);
  });
}

function makeFolder(agent: Agent, path: string, mode: number | undefined): FileInfo {
  const { folder, path: at } = named(agent, path);
  return withDescriptor(folder, () => {
    // Never more than was asked for, at any time: the umask takes away alone.
    mkdirSync(at, { mode: (mode ?? DEFAULT_MODE) & 0o777 });
    return withDescriptor(openSync(at, FOUND_FOLDER), (made) => {
      const isOther = mode !== undefined && (fstatSync(made).mode & 0o7777) !== mode;
      if (isOther) setMode(at, made, mode);
      return agent.describe(made, path);
    });
  });
}

function setMode(at: Buffer, made: number, mode: number): void {
  try {
    chmodSync(pathOf(made), mode);
  } catch (error) {
    rmdirSync(at);
    throw error;
  }
}

/** The folder at a path, a link's target too; undefined: there is nothing. */
function findFolder(agent: Agent, path: string): number | undefined {
  let found: number;
  try {
    found = agent.places.find(path, { follow: true });
  } catch (error) {
    if (error instanceof FileFault && error.reason === 'FILE_NOT_FOUND') return undefined;
    throw error;
  }
  if (fstatSync(found).isDirectory()) return found;
  closeSync(found);
  throw new FileFault('FILE_EXISTS', {
    operation: 'mkdir',
    path,
    errnoName: 'EEXIST',
    message: 'it is no folder',
  });
}

/** The place of what is to be made. What has no name, a root for one, is there already. */
function named(agent: Agent, path: string): ReturnType<Agent['places']['findNamed']> {
  try {
    return agent.places.findNamed(path);
  } catch (error) {
    throw withoutName(error, path);
  }
}

function withoutName(error: unknown, path: string): unknown {
  if (!(error instanceof FileFault) || error.reason !== 'FILE_BUSY') return error;
  return new FileFault('FILE_EXISTS', { operation: 'open', path, errnoName: 'EEXIST' });
}

function isThere(error: unknown): boolean {
  return faultOf(error, 'mkdir', '').reason === 'FILE_EXISTS';
}

/** The path before the last name, with its slash. `/` ends there: it is always found. */
function folderOf(path: string): string {
  const end = path.replace(/\/+$/, '');
  return end.slice(0, end.lastIndexOf('/') + 1) || '/';
}
