import { type BigIntStats, closeSync, lstatSync, readlinkSync } from 'node:fs';
import { textOfBytes } from '../../system-text.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import type { Agent } from './agent.ts';
import { makeFolders } from './create.ts';
import type { NamedPlace } from './places.ts';

/** Links on one way: MAXSYMLINKS of Linux. */
const MAX_LINKS = 40;

/**
 * Where a file is that is to be written: links are followed, also one that leads to nothing, each
 * as the system would, so that none leads out. With `parents` folders on the way are made. The folder is to be closed.
 *
 * @throws FileFault
 */
export function* findTarget(
  agent: Agent,
  path: string,
  { follow, parents }: { readonly follow: boolean; readonly parents: boolean },
): Generator<undefined, NamedPlace> {
  let way = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const place = yield* findFolder(agent, way, path, parents);
    try {
      const target = follow ? linkAt(place.path) : undefined;
      if (target === undefined) return place;
      way = target.startsWith('/') ? target : `${folderOf(way)}/${target}`;
    } catch (error) {
      closeSync(place.folder);
      throw faultOf(error, 'open', path);
    }
    closeSync(place.folder);
  }
  throw new FileFault('TOO_MANY_SYMLINKS', { operation: 'open', path, errnoName: 'ELOOP' });
}

/** What has the name; undefined: nothing has. A link that came there is not followed. */
export function lookAt({ path }: NamedPlace): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function* findFolder(
  agent: Agent,
  way: string,
  path: string,
  parents: boolean,
): Generator<undefined, NamedPlace> {
  // What is written is no folder: open(2).
  if (way.endsWith('/') || /\/\.{1,2}$/.test(way)) throw isDirectory(path);
  try {
    return agent.places.findNamed(way);
  } catch (error) {
    const fault = faultOf(error, 'open', path);
    // It is `/` or a root.
    if (fault.reason === 'FILE_BUSY') throw isDirectory(path);
    if (fault.reason !== 'FILE_NOT_FOUND' || !parents) throw fault;
  }
  yield* makeFolders(agent, folderOf(way));
  return agent.places.findNamed(way);
}

/** The path without its last name. */
function folderOf(path: string): string {
  const bare = path.replace(/\/+$/, '');
  return bare.slice(0, bare.lastIndexOf('/')) || '/';
}

function linkAt(at: Buffer): string | undefined {
  try {
    return textOfBytes(readlinkSync(at, { encoding: 'buffer' }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EINVAL' || code === 'ENOENT') return undefined;
    throw error;
  }
}

function isDirectory(path: string): FileFault {
  return new FileFault('IS_A_DIRECTORY', { operation: 'open', path, errnoName: 'EISDIR' });
}
