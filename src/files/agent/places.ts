import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import { bytesOfText } from '../../system-text.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import type { Root } from '../roots.ts';
import {
  loadNativeFiles,
  type NativeFiles,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
} from './native.ts';
import { DOT, endsAsFolder, isAbsolute, isDots, pathBelow, splitName } from './path-names.ts';
import { pathIn, pathOf } from './proc-paths.ts';
import { LeadsOutError, walkPath } from './walk-path.ts';

export { pathIn, pathOf } from './proc-paths.ts';

/** `O_PATH` and `O_CLOEXEC` of fcntl.h on Linux, which Node.js does not name. */
export const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** Where a name is: a descriptor of the folder, which is to be closed, and the name in it. */
export interface NamedPlace {
  readonly folder: number;
  readonly name: Buffer;
  /** By which `node:fs` reaches what has the name, whatever becomes of the folder's own name. */
  readonly path: Buffer;
  /** Whether a slash follows the name: it can only be a folder's. */
  readonly asFolder: boolean;
}

/** How a path is opened. */
export interface OpenOptions {
  /** Whether a link that the path names is followed. */
  readonly follow: boolean;
}

/**
 * Finds files by paths: to descriptors, by which everything else is done. Where there are roots
 * the kernel resolves beneath them, and what leads out is refused, however it does.
 */
export class Places {
  readonly #roots: readonly { readonly descriptor: number; readonly name: Buffer }[];
  /** Each root by its path without links. */
  readonly #canonical: readonly { readonly descriptor: number; readonly name: Buffer }[];
  readonly native: NativeFiles | undefined;
  /** Whether openat2(2) is there and allowed; else descriptors are walked. */
  readonly #opensBeneath: boolean;

  constructor(roots: readonly Root[], native = loadNativeFiles()) {
    this.#roots = roots
      .flatMap(({ descriptor, names }) =>
        names.map((name) => ({ descriptor, name: bytesOfText(name) })),
      )
      .sort((a, b) => b.name.length - a.name.length);
    this.#canonical = roots.map(({ descriptor, names }) => ({
      descriptor,
      name: bytesOfText(names.at(-1) ?? '/'),
    }));
    this.native = native;
    this.#opensBeneath = native !== undefined && canOpenBeneath(native, roots[0]?.descriptor);
  }

  /** How roots are kept to. */
  get confinement(): 'openat2' | 'descriptors' {
    return this.#opensBeneath ? 'openat2' : 'descriptors';
  }

  /** Whether there are roots. */
  get confined(): boolean {
    return this.#roots.length > 0;
  }

  /**
   * What a path names, as a descriptor of the kind `O_PATH`: nothing is opened but found.
   *
   * @throws FileFault
   */
  find(path: string, { follow }: OpenOptions): number {
    const { base, below } = this.#locate(path);
    const flags = O_PATH | O_CLOEXEC | (follow ? 0 : constants.O_NOFOLLOW);
    return this.#open(base, below, flags, path);
  }

  /**
   * Where the last name of a path is. It need not be there.
   *
   * @throws FileFault also where it has none: `/`, a root, `.` and `..`
   */
  findNamed(path: string): NamedPlace {
    const { base, below } = this.#locate(path);
    const { folder, name } = splitName(below);
    if (name.length === 0 || isDots(name)) {
      // What is not there, or may not be reached, is told first.
      closeSync(this.#open(base, below, O_PATH | O_CLOEXEC, path));
      throw new FileFault('FILE_BUSY', { operation: 'open', path, message: 'it has no name' });
    }
    const flags = O_PATH | O_CLOEXEC | constants.O_DIRECTORY;
    const found = this.#open(base, folder, flags, path);
    return { folder: found, name, path: pathIn(found, name), asFolder: endsAsFolder(below) };
  }

  /**
   * By which path what the system calls so is found here: that of its root is the one that clients
   * know, wherever it was moved. Undefined: it is in no root.
   */
  nameOf(path: Buffer): Buffer | undefined {
    if (!this.confined) return isAbsolute(path) ? path : undefined;
    for (const { descriptor, name } of this.#canonical) {
      const below = pathBelow(path, readlinkSync(pathOf(descriptor), { encoding: 'buffer' }));
      if (below === undefined) continue;
      return below.length === 0
        ? name
        : Buffer.concat([name, name.length === 1 ? NONE : SLASH, below]);
    }
    return undefined;
  }

  /** Whether a folder is one of the roots, by whatever name it was found. */
  isRoot({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): boolean {
    return this.#roots.some(({ descriptor }) => {
      const root = fstatSync(descriptor, { bigint: true });
      return root.dev === dev && root.ino === ino;
    });
  }

  /** The root that a path is in, and the path below it. */
  #locate(path: string): { base: number; below: Buffer } {
    const bytes = bytesOfText(path);
    if (this.#roots.length === 0) return { base: SYSTEM_ROOT, below: bytes };
    for (const { descriptor, name } of this.#roots) {
      const below = pathBelow(bytes, name);
      if (below !== undefined) return { base: descriptor, below };
    }
    throw outside(path);
  }

  #open(base: number, below: Buffer, flags: number, path: string): number {
    try {
      if (this.native === undefined || !this.#opensBeneath) return this.#walk(base, below, flags);
      const resolve = base === SYSTEM_ROOT ? 0 : RESOLVE_BENEATH;
      return this.native.openBeneath(
        base,
        below.length === 0 ? DOT : below,
        flags,
        resolve | RESOLVE_NO_MAGICLINKS,
      );
    } catch (error) {
      if (error instanceof LeadsOutError) throw outside(path);
      // Somewhere, somebody renames something all the time: it is found without the kernel's help.
      if (isAgain(error)) return this.#openByWalk(base, below, flags, path);
      const fault = faultOf(error, 'open', path);
      // What openat2(2) says where a path leads out; there are no other devices for it.
      throw fault.reason === 'CROSS_DEVICE' ? outside(path) : fault;
    }
  }

  #openByWalk(base: number, below: Buffer, flags: number, path: string): number {
    try {
      return this.#walk(base, below, flags);
    } catch (error) {
      throw error instanceof LeadsOutError ? outside(path) : faultOf(error, 'open', path);
    }
  }

  #walk(base: number, below: Buffer, flags: number): number {
    if (base !== SYSTEM_ROOT) return walkPath({ base, confined: true, flags }, below);
    const root = openSync('/', O_PATH | O_CLOEXEC);
    try {
      return walkPath({ base: root, confined: false, flags }, below);
    } finally {
      closeSync(root);
    }
  }
}

/** In place of a descriptor: paths are the system's own. `AT_FDCWD`, which absolute ones ignore. */
const SYSTEM_ROOT = -100;

const SLASH = Buffer.from('/');
const NONE = Buffer.alloc(0);

/** What openat2(2) says of a path with `..` where it cannot be sure that nothing was moved. */
function isAgain(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EAGAIN';
}

function outside(path: string): FileFault {
  return new FileFault('OUTSIDE_ROOT', {
    operation: 'open',
    path,
    errnoName: 'EXDEV',
    message: 'it leads out of the folders that the server may use',
  });
}

/** What openat2(2) fails with where there is none, or none of what we ask of it. */
const NO_SUCH_CALL = new Set(['ENOSYS', 'EPERM', 'EINVAL', 'E2BIG', 'EOPNOTSUPP']);

/** Whether there is openat2(2): asked of a folder that is there, so that it is not the file's fault. */
function canOpenBeneath(native: NativeFiles, base: number | undefined): boolean {
  const flags = O_PATH | O_CLOEXEC;
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  try {
    const root = base ?? openSync('/', flags);
    try {
      closeSync(native.openBeneath(root, DOT, flags, resolve));
    } finally {
      if (base === undefined) closeSync(root);
    }
    return true;
  } catch (error) {
    return !NO_SUCH_CALL.has((error as NodeJS.ErrnoException).code ?? '');
  }
}
