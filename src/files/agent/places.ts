import { closeSync, constants, lstatSync, openSync, readlinkSync } from 'node:fs';
import { bytesOfText } from '../../system-text.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import type { Root } from '../roots.ts';
import {
  loadNativeFiles,
  type NativeFiles,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
} from './native.ts';

/** `O_PATH` and `O_CLOEXEC` of fcntl.h on Linux, which Node.js does not name. */
export const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** Links on one way: MAXSYMLINKS of Linux. */
const MAX_LINKS = 40;

const SLASH = 0x2f;

/** Where a name is: a descriptor of the folder, which is to be closed, and the name in it. */
export interface NamedPlace {
  readonly folder: number;
  readonly name: Buffer;
  /** By which `node:fs` reaches what has the name, whatever becomes of the folder's own name. */
  readonly path: Buffer;
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
  readonly native: NativeFiles | undefined;
  /** Whether openat2(2) is there and allowed; else descriptors are walked. */
  readonly #opensBeneath: boolean;

  constructor(roots: readonly Root[], native = loadNativeFiles()) {
    this.#roots = roots
      .flatMap(({ descriptor, names }) =>
        names.map((name) => ({ descriptor, name: bytesOfText(name) })),
      )
      .sort((a, b) => b.name.length - a.name.length);
    this.native = native;
    this.#opensBeneath = native !== undefined && canOpenBeneath(native);
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
      throw new FileFault('FILE_BUSY', { operation: 'open', path, message: 'it has no name' });
    }
    const flags = O_PATH | O_CLOEXEC | constants.O_DIRECTORY;
    const found = this.#open(base, folder, flags, path);
    return { folder: found, name, path: pathIn(found, name) };
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
      if (this.native === undefined || !this.#opensBeneath)
        return this.#walk(base, below, flags, path);
      const resolve = base === SYSTEM_ROOT ? 0 : RESOLVE_BENEATH;
      return this.native.openBeneath(
        base,
        below.length === 0 ? HERE : below,
        flags,
        resolve | RESOLVE_NO_MAGICLINKS,
      );
    } catch (error) {
      const fault = faultOf(error, 'open', path);
      // What openat2(2) says where a path leads out; there are no other devices for it.
      throw fault.reason === 'CROSS_DEVICE' ? outside(path) : fault;
    }
  }

  /** The same without openat2(2): a name after the other, links by ourselves, never by name. */
  #walk(base: number, below: Buffer, flags: number, path: string): number {
    const confined = base !== SYSTEM_ROOT;
    const trail: number[] = [];
    const top = (): number => trail.at(-1) ?? base;
    const toTop = (): void => {
      for (const descriptor of trail.splice(0)) closeSync(descriptor);
    };
    const root = confined ? base : openSync('/', O_PATH | O_CLOEXEC);
    try {
      const from = (): number => (trail.length === 0 ? root : top());
      let links = 0;
      const left = namesOf(below);
      let mustBeFolder = endsAsFolder(below);
      while (left.length > 0) {
        const name = left.shift() as Buffer;
        if (name.equals(DOT)) continue;
        if (name.equals(DOT_DOT)) {
          const last = trail.pop();
          if (last !== undefined) closeSync(last);
          else if (confined) throw outside(path);
          continue;
        }
        const here = pathIn(from(), name);
        const isLast = left.length === 0;
        const stats = lstatSync(here);
        const follows = !isLast || mustBeFolder || (flags & constants.O_NOFOLLOW) === 0;
        if (stats.isSymbolicLink() && follows) {
          links += 1;
          if (links > MAX_LINKS)
            throw new FileFault('TOO_MANY_SYMLINKS', {
              operation: 'open',
              path,
              errnoName: 'ELOOP',
            });
          const target = readlinkSync(here, { encoding: 'buffer' });
          if (target[0] === SLASH) {
            if (confined) throw outside(path);
            toTop();
          }
          mustBeFolder ||= isLast && endsAsFolder(target);
          left.unshift(...namesOf(target));
          continue;
        }
        const kind =
          isLast && !mustBeFolder ? flags & constants.O_DIRECTORY : constants.O_DIRECTORY;
        trail.push(openSync(here, O_PATH | O_CLOEXEC | constants.O_NOFOLLOW | kind));
      }
      return trail.pop() ?? openSync(`/proc/self/fd/${root}`, O_PATH | O_CLOEXEC);
    } finally {
      toTop();
      if (!confined) closeSync(root);
    }
  }
}

/** In place of a descriptor: paths are the system's own. `AT_FDCWD`, which absolute ones ignore. */
const SYSTEM_ROOT = -100;

const HERE = Buffer.from('.');
const DOT = HERE;
const DOT_DOT = Buffer.from('..');

/** What has a name in an open folder, for functions of `node:fs`. */
export function pathIn(folder: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name]);
}

/** What a descriptor is of, for functions of `node:fs` that take a path: it is opened anew by it. */
export function pathOf(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

function outside(path: string): FileFault {
  return new FileFault('OUTSIDE_ROOT', {
    operation: 'open',
    path,
    errnoName: 'EXDEV',
    message: 'it leads out of the folders that the server may use',
  });
}

function canOpenBeneath(native: NativeFiles): boolean {
  try {
    closeSync(native.openBeneath(SYSTEM_ROOT, Buffer.from('/'), O_PATH | O_CLOEXEC, 0));
    return true;
  } catch {
    return false;
  }
}

/** A path below a folder, relative; undefined: it is not below. */
function pathBelow(path: Buffer, folder: Buffer): Buffer | undefined {
  const length = folder.length === 1 ? 0 : folder.length;
  if (!path.subarray(0, length).equals(folder.subarray(0, length))) return undefined;
  if (path.length > length && path[length] !== SLASH) return undefined;
  let at = length;
  while (path[at] === SLASH) at += 1;
  return path.subarray(at);
}

/** The last name of a path, and what is before it. */
function splitName(path: Buffer): { folder: Buffer; name: Buffer } {
  let end = path.length;
  while (end > 0 && path[end - 1] === SLASH) end -= 1;
  const start = path.subarray(0, end).lastIndexOf(SLASH) + 1;
  return { folder: path.subarray(0, start), name: path.subarray(start, end) };
}

function isDots(name: Buffer): boolean {
  return name.equals(DOT) || name.equals(DOT_DOT);
}

function namesOf(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let from = 0; from < path.length; ) {
    const slash = path.indexOf(SLASH, from);
    const to = slash < 0 ? path.length : slash;
    if (to > from) names.push(path.subarray(from, to));
    from = to + 1;
  }
  return names;
}

/** Whether a path names a folder or nothing: path_resolution(7). */
function endsAsFolder(path: Buffer): boolean {
  return path.at(-1) === SLASH || isDots(splitName(path).name);
}
