import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { FILE_PIECE_BYTES, MAX_TREE_LEVELS } from '../../limits/files.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import { withDescriptor } from './agent.ts';
import { type ByteName, bytesOfName, joinPath, textOfName } from './byte-name.ts';
import { openNames } from './names-in.ts';
import { openOwnFolder } from './own-trees.ts';
import { O_PATH, pathIn, pathOf } from './places.ts';
import { openRegular } from './regular-file.ts';
import { AttributeSetter, attributesOf } from './tree-attributes.ts';
import { Turn } from './turn.ts';

/** What a step of a copy is given: `abandon` where nobody waits for it any more. */
export type CopyInput = 'abandon' | undefined;

/** The steps of a copy, which say nothing. */
export type CopySteps<R = void> = Generator<undefined, R, CopyInput>;

const FOUND_FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const FOUND = O_PATH | constants.O_NOFOLLOW;
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** Set-user-ID and set-group-ID: they let others act as the owner or the group of a file. */
const SET_ID = 0o6000;

/** Bytes of a block in `st_blocks`. */
const BLOCK_BYTES = 512n;

const ZEROS = Buffer.alloc(FILE_PIECE_BYTES);

/** Copies files, links and folders to where nobody else can reach them yet. */
export class Copier {
  readonly #turn = new Turn();
  readonly #setter = new AttributeSetter();
  #piece: Buffer | undefined;

  /**
   * Lets others have a turn now and then.
   *
   * @throws FileFault where nobody waits for the copy any more
   */
  *pause(path: string): CopySteps {
    if (!this.#turn.step()) return;
    if ((yield) === 'abandon') {
      throw new FileFault('UPLOAD_UNFINISHED', { operation: 'copy', path, message: 'given up' });
    }
    this.#turn.begin();
  }

  /** Copies what is in a folder, and what is said of it. `from`, `to`: descriptors, `O_PATH` too. */
  *folder(from: number, to: number, path: string, depth = 1): CopySteps {
    if (depth > MAX_TREE_LEVELS) throw tooDeep(path);
    const names = openNames(from);
    try {
      for (let some = names.read(); some.length > 0; some = names.read()) {
        for (const { name } of some) {
          yield* this.#entry(from, to, name, { path: joinPath(path, textOfName(name)), depth });
          yield* this.pause(path);
        }
      }
    } finally {
      names.close();
    }
    const opened = openSync(pathOf(to), constants.O_RDONLY | constants.O_DIRECTORY);
    withDescriptor(opened, () => this.describe(opened, fstatSync(from, { bigint: true })));
  }

  /** Copies what is in a regular file, from where it is to where it was opened anew. */
  *content(from: number, to: number, path: string): CopySteps {
    const { blocks, size } = fstatSync(from, { bigint: true });
    const isSparse = blocks * BLOCK_BYTES < size;
    this.#piece ??= Buffer.allocUnsafe(FILE_PIECE_BYTES);
    const piece = this.#piece;
    let at = 0;
    // One without a size, as in proc(5), is read to its end, others to where they end now.
    while (size === 0n || at < size) {
      const room = size === 0n ? piece.length : Math.min(piece.length, Number(size) - at);
      const bytes = readSync(from, piece, 0, room, at);
      if (bytes === 0) break;
      const read = piece.subarray(0, bytes);
      if (!(isSparse && read.equals(ZEROS.subarray(0, bytes)))) writeAll(to, read, at);
      at += bytes;
      yield* this.pause(path);
    }
    // Where it ends in a hole.
    if (isSparse) ftruncateSync(to, at);
  }

  /** Lets a copy have the mode and the times of what it is one of. */
  describe(copy: number, stats: BigIntStats): void {
    const { gid, uid } = fstatSync(copy, { bigint: true });
    const { mode, ...others } = attributesOf(stats);
    // What runs as its owner must not run as us.
    const isSameOwner = uid === stats.uid && gid === stats.gid;
    this.#setter.set(copy, { ...others, mode: isSameOwner ? mode : mode & ~SET_ID });
  }

  /** Makes a link that leads where another does. */
  link(from: Buffer, to: Buffer, stats: BigIntStats): void {
    symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to);
    this.#setter.setLink(to, attributesOf(stats));
  }

  *#entry(
    from: number,
    to: number,
    name: ByteName,
    { depth, path }: { readonly path: string; readonly depth: number },
  ): CopySteps {
    const [at, copy] = [pathIn(from, bytesOfName(name)), pathIn(to, bytesOfName(name))];
    try {
      const stats = lstatSync(at, { bigint: true });
      if (stats.isSymbolicLink()) {
        this.link(at, copy, stats);
      } else if (stats.isDirectory()) {
        yield* this.#folderAt(at, to, name, { path, depth });
      } else {
        yield* this.#fileAt(at, copy, path);
      }
    } catch (error) {
      throw faultOf(error, 'copy', path);
    }
  }

  *#folderAt(
    at: Buffer,
    to: number,
    name: ByteName,
    { depth, path }: { readonly path: string; readonly depth: number },
  ): CopySteps {
    const from = openSync(at, FOUND_FOLDER);
    try {
      mkdirSync(pathIn(to, bytesOfName(name)), PRIVATE_FOLDER);
      const own = openOwnFolder(to, name);
      try {
        yield* this.folder(from, own, path, depth + 1);
      } finally {
        closeSync(own);
      }
    } finally {
      closeSync(from);
    }
  }

  *#fileAt(at: Buffer, copy: Buffer, path: string): CopySteps {
    const opened = withDescriptor(openSync(at, FOUND), (found) =>
      openRegular(found, constants.O_RDONLY, path),
    );
    try {
      const made = openSync(copy, NEW, PRIVATE_FILE);
      try {
        yield* this.content(opened, made, path);
        this.describe(made, fstatSync(opened, { bigint: true }));
      } finally {
        closeSync(made);
      }
    } finally {
      closeSync(opened);
    }
  }
}

function writeAll(descriptor: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(descriptor, bytes, at, bytes.length - at, position + at);
  }
}

function tooDeep(path: string): FileFault {
  return new FileFault(
    'LIMIT_EXCEEDED',
    { operation: 'copy', path, message: `a tree has at most ${MAX_TREE_LEVELS} levels` },
    { limit: 'max_tree_levels', maximum: String(MAX_TREE_LEVELS) },
  );
}
