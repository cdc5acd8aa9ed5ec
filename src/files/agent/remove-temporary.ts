import { closeSync, constants, openSync } from 'node:fs';
import { faultOf } from '../file-fault.ts';
import type { TemporaryRecord } from '../temporary-record.ts';
import { removeOwnTree } from './own-trees.ts';
import { O_PATH } from './places.ts';

/**
 * Removes what a server has left by a temporary name, a file or a folder. Nobody guesses one: what
 * has it was made by that server, wherever it is. The folder that it is in is opened by its path and
 * not below the roots, which may be others now.
 */
export function* removeTemporary({ folder, name }: TemporaryRecord): Generator<undefined, void> {
  const path = Buffer.from(folder, 'base64');
  let found: number;
  try {
    found = openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    // What is gone has nothing in it.
    const { reason } = faultOf(error, 'open', path.toString());
    if (reason === 'FILE_NOT_FOUND' || reason === 'NOT_A_DIRECTORY') return;
    throw error;
  }
  try {
    yield* removeOwnTree(found, name);
  } finally {
    closeSync(found);
  }
}
