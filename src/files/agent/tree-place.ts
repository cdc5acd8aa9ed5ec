import { closeSync, fstatSync } from 'node:fs';
import { FileFault, faultOf } from '../file-fault.ts';
import type { Agent } from './agent.ts';
import type { ByteName } from './byte-name.ts';
import { OPERATION } from './member-names.ts';

/** Where an archive is unpacked to. */
export interface TreePlace {
  /** A descriptor of the folder where something temporary is made: that which is there, or its parent. */
  readonly folder: number;
  /** The name that it gets in it; undefined: it is there. */
  readonly name: ByteName | undefined;
  close(): void;
}

/**
 * Finds the place of a tree. A link to a folder is followed.
 *
 * @throws FileFault `FILE_EXISTS` where something else is there
 */
export function treePlace({ places }: Agent, path: string): TreePlace {
  let found: number;
  try {
    found = places.find(path, { follow: true });
  } catch (error) {
    const fault = faultOf(error, OPERATION, path);
    if (fault.reason !== 'FILE_NOT_FOUND') throw fault;
    const { folder, name } = places.findNamed(path);
    return { folder, name: name.toString('latin1'), close: () => closeSync(folder) };
  }
  const close = (): void => closeSync(found);
  if (fstatSync(found).isDirectory()) return { folder: found, name: undefined, close };
  close();
  throw new FileFault('FILE_EXISTS', { operation: OPERATION, path });
}
