import { closeSync, lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { FileFault, faultOf } from '../file-fault.ts';
import { type Agent, withDescriptor } from './agent.ts';
import { enterFolder } from './enter-folder.ts';
import { systemError } from './native.ts';
import type { NamedPlace } from './places.ts';
import { TreeRemoval } from './tree-removal.ts';

/** How often a name is tried that is a folder at one time, and none at another. */
const MAX_TRIES = 100;

/** What is to be removed. */
export interface RemoveArgs {
  readonly path: string;
  /** A folder with all that is in it. */
  readonly recursive: boolean;
  /** Whether it is no error that there is nothing. */
  readonly missingOk: boolean;
}

/**
 * Removes a file, a link, or a folder.
 *
 * @returns how many entries were removed
 */
export function* remove(
  agent: Agent,
  { missingOk, path, recursive }: RemoveArgs,
): Generator<undefined, number> {
  try {
    const place = agent.places.findNamed(path);
    try {
      return yield* removeNamed(agent, place, path, recursive);
    } finally {
      closeSync(place.folder);
    }
  } catch (error) {
    const { failure, reason } = faultOf(error, 'remove', path);
    if (missingOk && reason === 'FILE_NOT_FOUND' && failure.entries === 0) return 0;
    throw error;
  }
}

function* removeNamed(
  agent: Agent,
  place: NamedPlace,
  path: string,
  recursive: boolean,
): Generator<undefined, number> {
  for (let tries = 1; ; tries++) {
    try {
      if (!lstatSync(place.path).isDirectory()) {
        if (place.asFolder) throw systemError('unlink', constants.errno.ENOTDIR);
        unlinkSync(place.path);
        return 1;
      }
      if (recursive) return yield* removeTree(agent, place, path);
      // A root, or where something is mounted, is known by its descriptor.
      withDescriptor(
        enterFolder(agent.places, place.folder, place.name, () => path),
        () => {},
      );
      rmdirSync(place.path);
      return 1;
    } catch (error) {
      // It was swapped for something else since we looked.
      if (place.asFolder || tries >= MAX_TRIES || !isOtherKind(error)) throw error;
      yield;
    }
  }
}

function* removeTree(
  { places }: Agent,
  { folder, name }: NamedPlace,
  path: string,
): Generator<undefined, number> {
  const removal = new TreeRemoval(places, folder, path);
  try {
    yield* removal.run(name);
  } finally {
    removal.close();
  }
  const { failure, removed } = removal;
  if (failure === undefined) return removed;
  throw new FileFault(failure.reason, { ...failure.failure, entries: removed }, failure.metadata);
}

function isOtherKind(error: unknown): boolean {
  if (error instanceof FileFault) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EISDIR' || code === 'ENOTDIR' || code === 'ELOOP';
}
