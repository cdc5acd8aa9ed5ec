import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  rmdirSync,
} from 'node:fs';
import { constants as os } from 'node:os';
import { type FileFault, faultOf } from '../file-fault.ts';
import { type ByteName, bytesOfName } from './byte-name.ts';
import { memberFault, OPERATION, shownMember } from './member-names.ts';
import { openNames } from './names-in.ts';
import { type NativeFiles, systemError } from './native.ts';
import { O_PATH, pathOf } from './places.ts';
import { type AttributeSetter, attributesOf } from './tree-attributes.ts';
import { Turn } from './turn.ts';

/** What is needed to put a tree in its place. */
export interface PlacingOptions {
  /** The path of the place, for errors. */
  readonly target: string;
  /** Whether files that are there are replaced. */
  readonly replace: boolean;
  readonly native: NativeFiles | undefined;
  readonly setter: AttributeSetter;
  /** Whether the archive says nothing of a folder with this inode. */
  isImplied(inode: bigint): boolean;
  /** Asked before anything gets its place: throws where it may not. Default: it may. */
  readonly assertWanted?: () => void;
}

const FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** What we need to do anything in a folder of ours. */
const OWN_MODE = 0o700;

type Turns = Generator<undefined, void, unknown>;

/** Puts what was unpacked to where it belongs. */
export class TreePlacer {
  readonly #options: PlacingOptions;
  readonly #turn = new Turn();

  constructor(options: PlacingOptions) {
    this.#options = options;
  }

  /**
   * Looks whether all that is in a folder of ours may go into another: nothing is changed.
   *
   * @throws FileFault `FILE_EXISTS`
   */
  *check(own: number, to: number, folder: ByteName = ''): Turns {
    yield* this.#unlocked(own, () =>
      this.#each(own, (name) => this.#checkNamed(own, to, name, `${folder}${name}`)),
    );
  }

  /**
   * Moves all that is in a folder of ours into another.
   *
   * @throws FileFault some of it may be there
   */
  *move(own: number, to: number, folder: ByteName = ''): Turns {
    const stats = fstatSync(own, { bigint: true });
    yield* this.#unlocked(own, () => this.#moveAll(own, to, folder));
    if (!this.#options.isImplied(stats.ino)) this.#describe(to, stats);
  }

  /** What was moved is gone: the folder is read from the start until there is nothing. */
  *#moveAll(own: number, to: number, folder: ByteName): Turns {
    for (let moved = 1; moved > 0; ) {
      moved = yield* this.#each(own, (name) => this.#moveNamed(own, to, name, folder + name));
    }
  }

  /** Does something with each name in a folder. @returns how many there were */
  *#each(folder: number, use: (name: ByteName) => Turns): Generator<undefined, number, unknown> {
    let count = 0;
    const names = openNames(folder);
    try {
      for (let some = names.read(); some.length > 0; some = names.read()) {
        for (const { name } of some) {
          yield* use(name);
          count += 1;
          yield* this.#pause();
        }
      }
      return count;
    } finally {
      names.close();
    }
  }

  /**
   * Renames something to where there must be nothing.
   *
   * @throws Error `EEXIST`
   */
  rename(from: number, name: ByteName, to: number, newName: ByteName): void {
    this.#options.assertWanted?.();
    const rename = (): void => {
      if (!this.#renameNew(from, name, to, newName)) {
        const there = lstatSync(pathTo(to, newName), { throwIfNoEntry: false });
        if (there !== undefined) throw systemError('rename', os.errno.EEXIST);
        renameSync(pathTo(from, name), pathTo(to, newName));
      }
    };
    try {
      rename();
    } catch (error) {
      const isLocked =
        (error as NodeJS.ErrnoException).code === 'EACCES' &&
        lstatSync(pathTo(from, name)).isDirectory();
      if (!isLocked) throw error;
      this.#renameLocked(from, name, rename);
    }
  }

  /** @returns false: the system, or the file system, cannot do this in one step */
  #renameNew(from: number, name: ByteName, to: number, newName: ByteName): boolean {
    const { native } = this.#options;
    if (native === undefined) return false;
    try {
      native.renameNew(from, bytesOfName(name), to, bytesOfName(newName));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      return false;
    }
  }

  *#checkNamed(from: number, to: number, name: ByteName, path: ByteName): Turns {
    try {
      const there = lstatSync(pathTo(to, name), { throwIfNoEntry: false });
      if (there === undefined) return;
      const isFolder = lstatSync(pathTo(from, name)).isDirectory();
      if (!this.#fits(isFolder, there.isDirectory())) throw this.#exists(path);
      if (!isFolder) return;
      yield* this.#inBoth(from, to, name, (own, found) => this.check(own, found, `${path}/`));
    } catch (error) {
      throw this.#fault(error, path);
    }
  }

  *#moveNamed(from: number, to: number, name: ByteName, path: ByteName): Turns {
    try {
      try {
        this.rename(from, name, to, name);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const isFolder = lstatSync(pathTo(from, name)).isDirectory();
      const isFolderThere = lstatSync(pathTo(to, name)).isDirectory();
      if (!this.#fits(isFolder, isFolderThere)) throw this.#exists(path);
      if (!isFolder) {
        this.#options.assertWanted?.();
        renameSync(pathTo(from, name), pathTo(to, name));
        return;
      }
      yield* this.#inBoth(from, to, name, (own, found) => this.move(own, found, `${path}/`));
      rmdirSync(pathTo(from, name));
    } catch (error) {
      throw this.#fault(error, path);
    }
  }

  #fits(isFolder: boolean, isFolderThere: boolean): boolean {
    return isFolder === isFolderThere && (isFolder || this.#options.replace);
  }

  /** Does something in a folder of ours and that of the same name. */
  *#inBoth(
    from: number,
    to: number,
    name: ByteName,
    use: (own: number, there: number) => Turns,
  ): Turns {
    const own = openSync(pathTo(from, name), FOLDER);
    try {
      const there = openSync(pathTo(to, name), FOLDER);
      try {
        yield* use(own, there);
      } finally {
        closeSync(there);
      }
    } finally {
      closeSync(own);
    }
  }

  /** Does something in a folder of ours, in which its own mode may not let us. */
  *#unlocked(own: number, use: () => Generator<undefined, unknown, unknown>): Turns {
    const mode = fstatSync(own).mode & 0o7777;
    const isLocked = (mode & OWN_MODE) !== OWN_MODE;
    if (isLocked) chmodSync(pathOf(own), OWN_MODE);
    try {
      yield* use();
    } finally {
      if (isLocked) chmodSync(pathOf(own), mode);
    }
  }

  /** Renames a folder that we may not write to: its `..` is in it. */
  #renameLocked(from: number, name: ByteName, rename: () => void): void {
    const own = openSync(pathTo(from, name), FOLDER);
    try {
      const mode = fstatSync(own).mode & 0o7777;
      chmodSync(pathOf(own), mode | OWN_MODE);
      try {
        rename();
      } finally {
        chmodSync(pathOf(own), mode);
      }
    } finally {
      closeSync(own);
    }
  }

  /** Lets a folder have what the archive says of it, as far as it is ours. */
  #describe(folder: number, stats: BigIntStats): void {
    try {
      const opened = openSync(pathOf(folder), constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        const owner = { uid: Number(stats.uid), gid: Number(stats.gid) };
        this.#options.setter.set(opened, { ...attributesOf(stats), owner });
      } finally {
        closeSync(opened);
      }
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code !== 'EPERM' && code !== 'EACCES') throw error;
    }
  }

  #exists(path: ByteName): FileFault {
    return memberFault('FILE_EXISTS', this.#options.target, path);
  }

  *#pause(): Turns {
    if (!this.#turn.step()) return;
    yield undefined;
    this.#turn.begin();
  }

  #fault(error: unknown, path: ByteName): FileFault {
    return faultOf(error, OPERATION, shownMember(this.#options.target, path));
  }
}

function pathTo(folder: number, name: ByteName): Buffer {
  return bytesOfName(`${pathOf(folder)}/${name}`);
}
