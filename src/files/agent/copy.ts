import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { FileFault, faultOf } from '../file-fault.ts';
import type { FileInfo } from '../file-info.ts';
import { type Agent, withDescriptor } from './agent.ts';
import { Copier, type CopySteps } from './copy-tree.ts';
import { isWithin } from './move.ts';
import { NewFile } from './new-file.ts';
import { openOwnFolder, removeOwnTree } from './own-trees.ts';
import { TreePlacer } from './place-tree.ts';
import { type NamedPlace, O_PATH, pathIn } from './places.ts';
import { openRegular } from './regular-file.ts';
import { AttributeSetter } from './tree-attributes.ts';
import { lookAt } from './write-target.ts';

/** What is to be copied. */
export interface CopyArgs {
  readonly path: string;
  readonly targetPath: string;
  /** A folder with all that is in it. */
  readonly recursive: boolean;
  /** Whether files that are at the target are replaced. */
  readonly replace: boolean;
}

/** A copy that is at work. */
interface Copying {
  readonly agent: Agent;
  readonly args: CopyArgs;
  readonly copier: Copier;
  /** Descriptor of what is copied, of the kind `O_PATH`. */
  readonly from: number;
  readonly stats: BigIntStats;
  readonly to: NamedPlace;
}

const FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const PRIVATE_FOLDER = 0o700;

/**
 * Copies a file, a link, or a folder: to what is temporary beside the target, which then gets its
 * name. It has to be done to its end, where nothing else is left, however it ends.
 */
export function* copy(agent: Agent, args: CopyArgs): CopySteps<FileInfo> {
  const { path, targetPath } = args;
  const from = agent.places.find(path, { follow: false });
  try {
    const to = agent.places.findNamed(targetPath);
    try {
      const stats = fstatSync(from, { bigint: true });
      const copying = { agent, args, copier: new Copier(), from, stats, to };
      assertFits(copying);
      if (stats.isDirectory()) yield* copyFolder(copying);
      else if (stats.isSymbolicLink()) copyLink(copying);
      else yield* copyContent(copying);
      return agent.describeNamed(to.path, targetPath);
    } finally {
      closeSync(to.folder);
    }
  } catch (error) {
    throw faultOf(error, 'copy', path);
  } finally {
    closeSync(from);
  }
}

/** @throws FileFault where it cannot be done, as things are: nothing was done by then */
function assertFits({ args, stats, to }: Copying): void {
  const { path, recursive, targetPath } = args;
  const isFolder = stats.isDirectory();
  if (isFolder && !recursive) {
    throw new FileFault('IS_A_DIRECTORY', { operation: 'copy', path, errnoName: 'EISDIR' });
  }
  if (to.asFolder && !isFolder) {
    throw new FileFault('NOT_A_DIRECTORY', { operation: 'copy', path: targetPath });
  }
  const there = lookAt(to);
  if (there !== undefined) assertReplaceable(args, isFolder, there);
  if (!isFolder) return;
  const isSame = there?.dev === stats.dev && there.ino === stats.ino;
  if (isSame || isWithin(to.folder, stats)) {
    const message = 'a folder cannot be copied into itself';
    throw new FileFault('INVALID_REQUEST', { operation: 'copy', path: targetPath, message });
  }
}

function assertReplaceable(
  { replace, targetPath }: CopyArgs,
  isFolder: boolean,
  there: BigIntStats,
): void {
  if (replace && isFolder === there.isDirectory()) return;
  throw new FileFault('FILE_EXISTS', { operation: 'copy', path: targetPath, errnoName: 'EEXIST' });
}

function* copyContent(copying: Copying): CopySteps {
  const { agent, args, copier, from, stats, to } = copying;
  const opened = openRegular(from, constants.O_RDONLY, args.path);
  try {
    const file = new NewFile(agent, to);
    try {
      yield* copier.content(opened, file.descriptor, args.path);
      const prepare = (): void => copier.describe(file.descriptor, stats);
      putInPlace(copying, (replaces) => file.put({ replaces, prepare }));
    } finally {
      file.close();
    }
  } finally {
    closeSync(opened);
  }
}

function copyLink(copying: Copying): void {
  const { agent, args, copier, stats, to } = copying;
  const source = agent.places.findNamed(args.path);
  withDescriptor(source.folder, () => {
    const temporary = agent.temporaries.take(to.folder);
    const at = pathIn(to.folder, temporary.name);
    try {
      copier.link(source.path, at, stats);
      putInPlace(copying, (replaces) => {
        if (replaces) renameSync(at, to.path);
        else placer(copying).rename(to.folder, latin1(temporary.name), to.folder, latin1(to.name));
      });
    } finally {
      removeIfThere(at);
      temporary.release();
    }
  });
}

/** Lets a file or link have its place; what came there or went meanwhile is looked at again. */
function putInPlace({ args, to }: Copying, put: (replaces: boolean) => void): void {
  for (;;) {
    const there = lookAt(to);
    if (there !== undefined) assertReplaceable(args, false, there);
    try {
      put(there !== undefined);
      return;
    } catch (error) {
      const { reason } = faultOf(error, 'copy', args.targetPath);
      if (there !== undefined || reason !== 'FILE_EXISTS') throw error;
    }
  }
}

function* copyFolder(copying: Copying): CopySteps {
  const { agent, args, copier, from, to } = copying;
  const there = findFolder(to);
  const parent = there ?? to.folder;
  const temporary = agent.temporaries.take(parent);
  const name = latin1(temporary.name);
  try {
    mkdirSync(pathIn(parent, temporary.name), PRIVATE_FOLDER);
    const own = openOwnFolder(parent, name);
    try {
      yield* copier.folder(from, own, args.path);
      yield* copier.pause(args.path);
      if (there === undefined) placer(copying).rename(parent, name, to.folder, latin1(to.name));
      else yield* merge(copying, own, there);
    } finally {
      closeSync(own);
    }
  } catch (error) {
    throw ofCopy(faultOf(error, 'copy', args.targetPath));
  } finally {
    try {
      yield* removeOwnTree(parent, name);
      temporary.release();
    } catch {
      // What came of the call is more important.
      temporary.removeLater();
    }
    if (there !== undefined) closeSync(there);
  }
}

/** Moves what was copied into a folder that is there, file by file, if all of it may be. */
function* merge(copying: Copying, own: number, there: number): CopySteps {
  const turns = placer(copying);
  yield* turns.check(own, there);
  yield* turns.move(own, there);
}

function placer({ agent, args }: Copying): TreePlacer {
  return new TreePlacer({
    target: args.targetPath,
    replace: args.replace,
    native: agent.places.native,
    setter: new AttributeSetter(),
    // A folder that was there stays what it was.
    isImplied: () => true,
  });
}

/** The folder at the target; undefined: nothing is there. */
function findFolder(to: NamedPlace): number | undefined {
  return lstatSync(to.path, { throwIfNoEntry: false }) === undefined
    ? undefined
    : openSync(to.path, FOLDER);
}

/** What a tree cannot be placed for is told of the call that it is placed for. */
function ofCopy({ failure, metadata, reason }: FileFault): FileFault {
  const operation = failure.operation === 'write_tree' ? 'copy' : failure.operation;
  return new FileFault(reason, { ...failure, operation }, metadata);
}

function removeIfThere(at: Buffer): void {
  try {
    unlinkSync(at);
  } catch {
    // It has its place.
  }
}

function latin1(name: Buffer): string {
  return name.toString('latin1');
}
