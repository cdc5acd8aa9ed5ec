import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { type ByteName, bytesOfName } from './byte-name.ts';
import { openNames } from './names-in.ts';
import { O_PATH, pathOf } from './places.ts';
import { Turn } from './turn.ts';

/* Folders that we have made, with names that nobody guesses, and all that is in them. */

const FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** What we need to do anything in a folder of ours, whatever its own mode. */
const OWN_MODE = 0o700;

/** How often a folder is read that has something when all that was in it is removed. */
const MAX_READS = 8;

/** Opens a folder of ours, and lets us do anything in it. */
export function openOwnFolder(parent: number, name: ByteName): number {
  const folder = openSync(pathTo(parent, name), FOLDER);
  try {
    if ((fstatSync(folder).mode & OWN_MODE) !== OWN_MODE) chmodSync(pathOf(folder), OWN_MODE);
    return folder;
  } catch (error) {
    closeSync(folder);
    throw error;
  }
}

/**
 * Removes what is ours, a folder with all that is in it. Never follows a link. What is gone is no
 * error.
 *
 * @param parent a descriptor of the folder that it is in
 * @throws Error of the system
 */
export function* removeOwnTree(
  parent: number,
  name: ByteName,
  turn = new Turn(),
): Generator<undefined, void, unknown> {
  if (isRemoved(parent, name, unlinkSync)) return;
  const folder = openOwnFolder(parent, name);
  try {
    for (let reads = 1; reads <= MAX_READS; reads++) {
      yield* removeNames(folder, turn);
      if (isRemoved(parent, name, rmdirSync)) return;
    }
    rmdirSync(pathTo(parent, name));
  } finally {
    closeSync(folder);
  }
}

function* removeNames(folder: number, turn: Turn): Generator<undefined, void, unknown> {
  const names = openNames(folder);
  try {
    for (let some = names.read(); some.length > 0; some = names.read()) {
      for (const { name } of some) {
        yield* removeOwnTree(folder, name, turn);
        if (!turn.step()) continue;
        yield undefined;
        turn.begin();
      }
    }
  } finally {
    names.close();
  }
}

/** How many entries a folder of ours has, with those below it. */
export function* countOwnTree(
  folder: number,
  turn = new Turn(),
): Generator<undefined, number, unknown> {
  let count = 0;
  const names = openNames(folder);
  try {
    for (let some = names.read(); some.length > 0; some = names.read()) {
      count += some.length;
      for (const { name } of some) {
        if (turn.step()) {
          yield undefined;
          turn.begin();
        }
        if (!lstatSync(pathTo(folder, name)).isDirectory()) continue;
        const below = openOwnFolder(folder, name);
        try {
          count += yield* countOwnTree(below, turn);
        } finally {
          closeSync(below);
        }
      }
    }
    return count;
  } finally {
    names.close();
  }
}

/** @returns false: it is a folder, or has something in it */
function isRemoved(parent: number, name: ByteName, remove: (at: Buffer) => void): boolean {
  try {
    remove(pathTo(parent, name));
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'EISDIR' || code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

function pathTo(parent: number, name: ByteName): Buffer {
  return bytesOfName(`${pathOf(parent)}/${name}`);
}
