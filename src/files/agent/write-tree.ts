import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { assertNotFenced, type Fence } from '../fence.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import { TarError } from '../tar/tar-format.ts';
import { TarReader } from '../tar/tar-reader.ts';
import type { Agent } from './agent.ts';
import { bytesOfName } from './byte-name.ts';
import { OPERATION } from './member-names.ts';
import { countOwnTree, openOwnFolder, removeOwnTree } from './own-trees.ts';
import { TreePlacer } from './place-tree.ts';
import { pathOf } from './places.ts';
import { AttributeSetter } from './tree-attributes.ts';
import { type TreePlace, treePlace } from './tree-place.ts';
import { Turn } from './turn.ts';
import { Unpacker } from './unpacker.ts';

/** Where an archive is unpacked to. */
export interface WriteTreeArgs {
  readonly path: string;
  /** Whether files that are there are replaced. */
  readonly replace: boolean;
  /** Nothing gets its place once it is closed. */
  readonly fence: Fence;
}

/** What was unpacked. */
export interface WriteTreeResult {
  /** Members of the archive. */
  readonly entries: number;
  /** Bytes of files among them. */
  readonly bytes: number;
}

/**
 * What a step of it is given: bytes of the archive, `finish` where there are no more, or `abandon`
 * where nobody waits for it any more, which is told until it is over.
 */
export type WriteTreeInput = Uint8Array | 'finish' | 'abandon';

/** What a step ends with: more of the archive is wanted, or others had a turn. */
export type WriteTreePiece = 'wants-more' | undefined;

type Steps<R = void> = Generator<WriteTreePiece, R, WriteTreeInput | undefined>;

/** The folder in the temporary one that becomes the target, or whose files go there. */
const TREE = 'tree';
const PRIVATE_MODE = 0o700;
const TREE_MODE = 0o777;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Unpacks an archive: into a folder that only we can reach, beside the target or in it, whose
 * content has its place in the end. Given to its end it leaves nothing else, however it ends.
 */
export function* writeTree(agent: Agent, args: WriteTreeArgs): Steps<WriteTreeResult> {
  const place = treePlace(agent, args.path);
  try {
    return yield* writeInto(agent, place, args);
  } catch (error) {
    throw faultOf(error, OPERATION, args.path);
  } finally {
    place.close();
  }
}

function* writeInto(agent: Agent, place: TreePlace, args: WriteTreeArgs): Steps<WriteTreeResult> {
  const temporary = agent.temporaries.take(place.folder);
  const name = temporary.name.toString('latin1');
  try {
    mkdirSync(bytesOfName(`${pathOf(place.folder)}/${name}`), PRIVATE_MODE);
    const own = openOwnFolder(place.folder, name);
    try {
      return yield* unpackAndPlace(agent, place, own, args);
    } finally {
      closeSync(own);
    }
  } finally {
    try {
      yield* removeOwnTree(place.folder, name);
      temporary.release();
    } catch {
      // What came of the call is more important.
      temporary.removeLater();
    }
  }
}

function* unpackAndPlace(
  agent: Agent,
  place: TreePlace,
  own: number,
  { fence, path, replace }: WriteTreeArgs,
): Steps<WriteTreeResult> {
  const at = bytesOfName(`${pathOf(own)}/${TREE}`);
  mkdirSync(at, TREE_MODE);
  const tree = openSync(at, FOLDER);
  const setter = new AttributeSetter();
  const unpacker = new Unpacker(tree, path, setter);
  try {
    yield* unpack(unpacker, path);
    const isImplied = (inode: bigint): boolean => unpacker.folders.isImplied(inode);
    const { native } = agent.places;
    const assertWanted = (): void => assertNotFenced(fence, path);
    const options = { target: path, replace, native, setter, isImplied, assertWanted };
    const placer = new TreePlacer(options);
    const { entries, bytes } = unpacker;
    if (place.name !== undefined) {
      placer.rename(own, TREE, place.folder, place.name);
      return { entries, bytes };
    }
    yield* placer.check(tree, place.folder);
    try {
      yield* placer.move(tree, place.folder);
    } catch (error) {
      const fault = faultOf(error, OPERATION, path);
      const entries = unpacker.made - (yield* countOwnTree(tree));
      throw new FileFault(fault.reason, { ...fault.failure, entries }, fault.metadata);
    }
    return { entries, bytes };
  } finally {
    unpacker.close();
  }
}

/** Makes what is in the archive, as it comes. */
function* unpack(unpacker: Unpacker, path: string): Steps {
  const reader = new TarReader();
  const turn = new Turn();
  try {
    for (;;) {
      for (let event = reader.next(); event !== undefined; event = reader.next()) {
        unpacker.take(event);
        if (!turn.step()) continue;
        if ((yield undefined) === 'abandon') throw unfinished(path);
        turn.begin();
      }
      const input = yield 'wants-more';
      turn.begin();
      if (input === 'finish') break;
      if (input === undefined || input === 'abandon') throw unfinished(path);
      reader.feed(input);
    }
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    const { message } = error;
    throw new FileFault('INVALID_REQUEST', { operation: OPERATION, path, message });
  }
  if (!reader.ended) throw unfinished(path, 'the archive is cut');
  unpacker.finish();
}

function unfinished(path: string, message = ''): FileFault {
  return new FileFault('UPLOAD_UNFINISHED', { operation: OPERATION, path, message });
}
