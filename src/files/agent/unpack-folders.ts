import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
} from 'node:fs';
import { MAX_TREE_BYTES } from '../../limits.ts';
import { FileFault } from '../file-fault.ts';
import { type ByteName, bytesOfName } from './byte-name.ts';
import { memberFault, OPERATION, shownMember } from './member-names.ts';
import { O_PATH, pathOf } from './places.ts';
import { type AttributeSetter, attributesOf, type TreeAttributes } from './tree-attributes.ts';
import { newTreeRoom } from './tree-room.ts';

/** A folder that is open, in which members are made. */
interface Level {
  readonly name: ByteName;
  readonly descriptor: number;
  /** What it is to have when it is left; undefined: what the system gives it. */
  attributes: TreeAttributes | undefined;
}

/** Bytes of memory of the number of an inode, about. */
const IMPLIED_BYTES = 64;

const READING = constants.O_RDONLY | constants.O_DIRECTORY;
const FOLDER = READING | constants.O_NOFOLLOW;

/** Only we may do something in a folder before it is left. */
const PRIVATE_MODE = 0o700;

/** As what the archive does not have: the system takes the umask off. */
const IMPLIED_MODE = 0o777;

/**
 * The folders of a tree that is unpacked, from its top to that of the last member: reached by
 * descriptors, never through a link. What they are to have they get when they are left, since what
 * is made in them sets their times; one that is entered again has it again then.
 */
export class UnpackFolders {
  readonly #target: string;
  readonly #setter: AttributeSetter;
  readonly #levels: Level[];
  /** Inodes of those that the archive has no member for. */
  readonly #implied = new Set<bigint>();
  readonly #room = newTreeRoom();
  /** How many there are below the first. */
  made = 0;

  /** @param top a descriptor of the first, which is taken */
  constructor(top: number, target: string, setter: AttributeSetter) {
    this.#target = target;
    this.#setter = setter;
    this.#levels = [{ name: '', descriptor: top, attributes: undefined }];
    this.#implied.add(inodeOf(top));
  }

  /** A descriptor of the first one. */
  get top(): number {
    return this.#levels[0]?.descriptor ?? this.#last.descriptor;
  }

  /** Whether the archive has no member for a folder with this inode. */
  isImplied(inode: bigint): boolean {
    return this.#implied.has(inode);
  }

  /**
   * Goes to the folder that the last of some names is in. What is not there is made.
   *
   * @returns a descriptor of it
   */
  enter(names: readonly ByteName[]): number {
    const depth = Math.max(0, names.length - 1);
    let shared = 0;
    while (shared < depth && this.#levels[shared + 1]?.name === names[shared]) shared += 1;
    this.#leaveTo(shared);
    for (const name of names.slice(shared, depth)) {
      if (!this.#openNext(name, names)) this.#makeImplied(name, names);
    }
    return this.#last.descriptor;
  }

  /** Makes a folder, or finds it, goes to it, and lets it have its attributes when it is left. */
  add(names: readonly ByteName[], attributes: TreeAttributes): void {
    this.enter(names);
    const name = names.at(-1);
    if (name !== undefined && this.#levels[names.length]?.name !== name) {
      this.#leaveTo(names.length - 1);
      this.#makeNext(name, names);
    } else {
      this.#leaveTo(names.length);
    }
    this.#last.attributes = attributes;
    if (this.#implied.size > 0) this.#implied.delete(inodeOf(this.#last.descriptor));
  }

  /** Leaves all, so that they have what they are to have; the first stays open. */
  finish(): void {
    this.#leaveTo(0);
    const { attributes, descriptor } = this.#last;
    if (attributes !== undefined) this.#setter.set(descriptor, attributes);
  }

  close(): void {
    this.#room.close();
    for (const { descriptor } of this.#levels.splice(0)) closeSync(descriptor);
  }

  get #last(): Level {
    const level = this.#levels.at(-1);
    if (level === undefined) throw new Error('all folders were closed');
    return level;
  }

  #leaveTo(depth: number): void {
    while (this.#levels.length > depth + 1) {
      const { attributes, descriptor } = this.#last;
      this.#levels.pop();
      try {
        if (attributes !== undefined) this.#setter.set(descriptor, attributes);
      } finally {
        closeSync(descriptor);
      }
    }
  }

  /** Goes to a folder that is there. @returns false: there is nothing */
  #openNext(name: ByteName, names: readonly ByteName[]): boolean {
    const at = this.#pathOf(name);
    let found: number;
    try {
      found = openSync(at, O_PATH | constants.O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    try {
      const stats = fstatSync(found, { bigint: true });
      const path = names.join('/');
      if (stats.isSymbolicLink()) {
        throw memberFault('OUTSIDE_ROOT', this.#target, path, 'it lies below a link');
      }
      if (!stats.isDirectory()) throw memberFault('NOT_A_DIRECTORY', this.#target, path);
      // Its own attributes may keep us out: it has them again when it is left.
      const isOpen = (Number(stats.mode) & PRIVATE_MODE) === PRIVATE_MODE;
      if (!isOpen) chmodSync(pathOf(found), PRIVATE_MODE);
      const isImplied = this.#implied.has(stats.ino);
      this.#levels.push({
        name,
        descriptor: openSync(pathOf(found), READING),
        attributes: isImplied ? undefined : attributesOf(stats),
      });
      return true;
    } finally {
      closeSync(found);
    }
  }

  #makeImplied(name: ByteName, names: readonly ByteName[]): void {
    if (!this.#room.take(IMPLIED_BYTES)) {
      const message = 'too many folders have no member of their own';
      throw new FileFault(
        'LIMIT_EXCEEDED',
        { operation: OPERATION, path: shownMember(this.#target, names.join('/')), message },
        { limit: 'max_tree_bytes', maximum: String(MAX_TREE_BYTES) },
      );
    }
    const at = this.#pathOf(name);
    mkdirSync(at, IMPLIED_MODE);
    this.made += 1;
    const descriptor = openSync(at, FOLDER);
    this.#levels.push({ name, descriptor, attributes: undefined });
    this.#implied.add(inodeOf(descriptor));
  }

  #makeNext(name: ByteName, names: readonly ByteName[]): void {
    const at = this.#pathOf(name);
    try {
      mkdirSync(at, PRIVATE_MODE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (!lstatSync(at).isDirectory()) {
        throw memberFault('FILE_EXISTS', this.#target, names.join('/'));
      }
      this.#openNext(name, names);
      return;
    }
    this.made += 1;
    this.#levels.push({ name, descriptor: openSync(at, FOLDER), attributes: undefined });
  }

  #pathOf(name: ByteName): Buffer {
    return bytesOfName(`${pathOf(this.#last.descriptor)}/${name}`);
  }
}

function inodeOf(descriptor: number): bigint {
  return fstatSync(descriptor, { bigint: true }).ino;
}
