import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { MAX_PATH_BYTES, MAX_REMOVE_FAILURES } from '../../limits.ts';
import { type FileFault, faultOf } from '../file-fault.ts';
import { type ByteName, bytesOfName, textOfName } from './byte-name.ts';
import { enterFolder } from './enter-folder.ts';
import { type NamesIn, openNames } from './names-in.ts';
import { type Places, pathIn } from './places.ts';
import { LostWayError, Trail } from './trail.ts';
import { Turn } from './turns.ts';

/** Folders of one way whose names are being read at a time; the others are read again. */
const MAX_READ = 32;

/** How often a folder is read again that others put files into, or that has skipped some. */
const MAX_PASSES = 16;

/** How often all begins anew where a folder was moved to another place meanwhile. */
const MAX_STARTS = 4;

/** How often a name is tried that is swapped meanwhile. */
const MAX_TRIES = 100;

/** A folder that is being removed. */
interface Level {
  readonly name: Buffer;
  /** Undefined: not being read. */
  names: NamesIn | undefined;
  /** Names that were read and not looked at, the next one last. */
  unread: ByteName[];
  /** What could not be removed of it, and is not tried again. */
  readonly failed: Set<ByteName>;
  passes: number;
  /** Whether something of it, or below it, is left. */
  isLeft: boolean;
  /** Why it could not be read: it may be empty all the same. */
  unreadable: FileFault | undefined;
}

/**
 * Removes a folder and all that is in it, from descriptor to descriptor: what is swapped for a link
 * meanwhile is removed as one. Trees may have any depth. What cannot be removed is left, with the
 * folders that it is in.
 */
export class TreeRemoval {
  readonly #places: Places;
  readonly #path: string;
  readonly #trail: Trail;
  readonly #levels: Level[] = [];
  #failures = 0;
  /** How many entries were removed. */
  removed = 0;
  /** The first that could not be. */
  failure: FileFault | undefined;

  /** @param folder what the folder is in. @param path of the folder, for failures */
  constructor(places: Places, folder: number, path: string) {
    this.#places = places;
    this.#path = path.replace(/\/+$/, '');
    this.#trail = new Trail(folder);
  }

  /**
   * Removes what has a name.
   *
   * @throws an error of the system where it is no folder, or could not be looked at
   */
  *run(name: Buffer): Generator<undefined, void> {
    const turn = new Turn();
    for (let starts = 1; ; starts++) {
      this.#enter(name);
      try {
        while (this.#levels.length > 0) {
          this.#step();
          yield* turn.rest();
        }
        return;
      } catch (error) {
        if (!(error instanceof LostWayError)) throw error;
        this.close();
        if (starts >= MAX_STARTS) {
          this.#fail(this.#moved());
          return;
        }
      }
    }
  }

  /** Frees all that it holds. */
  close(): void {
    for (const { names } of this.#levels.splice(0)) names?.close();
    this.#trail.clear();
  }

  /** Removes an entry of the folder where we are, enters it, or leaves the folder. */
  #step(): void {
    const level = this.#levels.at(-1);
    if (level === undefined) return;
    const name = this.#next(level);
    if (name === undefined) {
      this.#leave(level);
      return;
    }
    if (level.failed.has(name)) return;
    const bytes = bytesOfName(name);
    try {
      this.#removeEntry(bytes);
    } catch (error) {
      if (error instanceof LostWayError) throw error;
      // Somebody else has removed it.
      if (isGone(error)) return;
      this.#fail(faultOf(error, 'remove', this.#pathOf(name)));
      this.#skip(level, name);
    }
  }

  /** Again where it is a folder at one time, and none at another. */
  #removeEntry(name: Buffer): void {
    for (let tries = 1; ; tries++) {
      try {
        this.#removeOrEnter(name);
        return;
      } catch (error) {
        if (tries >= MAX_TRIES || !isOtherKind(error)) throw error;
      }
    }
  }

  #removeOrEnter(name: Buffer): void {
    const at = pathIn(this.#trail.top, name);
    try {
      unlinkSync(at);
      this.removed += 1;
    } catch (error) {
      if (isGone(error)) return;
      // Not only EISDIR: where a folder may not be changed that is what it says of all in it.
      const stats = lstatSync(at, { throwIfNoEntry: false });
      if (stats === undefined) return;
      if (!stats.isDirectory()) throw error;
      this.#enter(name);
    }
  }

  #enter(name: Buffer): void {
    const text = name.toString('latin1');
    const path = (): string => (this.#levels.length === 0 ? this.#path : this.#pathOf(text));
    this.#trail.push(enterFolder(this.#places, this.#trail.top, name, path));
    this.#levels.push({
      name,
      names: undefined,
      unread: [],
      failed: new Set(),
      passes: 0,
      isLeft: false,
      unreadable: undefined,
    });
    const far = this.#levels.at(-1 - MAX_READ);
    if (far !== undefined) endReading(far);
  }

  /** The next name of the folder where we are. */
  #next(level: Level): ByteName | undefined {
    for (;;) {
      const name = level.unread.pop();
      if (name !== undefined) return name;
      if (level.passes > MAX_PASSES || this.#failures > MAX_REMOVE_FAILURES) return undefined;
      try {
        level.names ??= openNames(this.#trail.top);
        level.unread = level.names.read().map(({ name }) => name);
      } catch (error) {
        if (isGone(error)) return undefined;
        level.unreadable = faultOf(error, 'remove', this.#pathOf());
        return undefined;
      }
      if (level.unread.length === 0) return undefined;
    }
  }

  /** Removes the folder where we are, and goes up; or lets it be read again. */
  #leave(level: Level): void {
    endReading(level);
    if (!level.isLeft) {
      const at = pathIn(this.#trail.parent(), level.name);
      try {
        rmdirSync(at);
        this.removed += 1;
      } catch (error) {
        level.passes += 1;
        if (isNotEmpty(error) && level.passes <= MAX_PASSES && level.unreadable === undefined) {
          return;
        }
        this.#failToRemove(at, level, error);
      }
    }
    this.#trail.pop();
    this.#levels.pop();
    const above = this.#levels.at(-1);
    if (above !== undefined && level.isLeft) this.#skip(above, level.name.toString('latin1'));
  }

  /** The folder where we are is empty, and is left, or was swapped for something else. */
  #failToRemove(at: Buffer, level: Level, error: unknown): void {
    if (isGone(error)) return;
    try {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
      unlinkSync(at);
      this.removed += 1;
    } catch (failure) {
      if (isGone(failure)) return;
      this.#fail(level.unreadable ?? faultOf(error, 'remove', this.#pathOf()));
      level.isLeft = true;
    }
  }

  /** Something is left in a folder. */
  #skip(level: Level, name: ByteName): void {
    level.isLeft = true;
    level.failed.add(name);
    this.#failures += 1;
  }

  #fail(failure: FileFault): void {
    this.failure ??= failure;
  }

  #moved(): FileFault {
    return faultOf(
      Object.assign(new Error('EBUSY: a folder was moved meanwhile'), {
        code: 'EBUSY',
        errno: -16,
      }),
      'remove',
      this.#path,
    );
  }

  /** The path of where we are, or of what is in it; one that is too long to be one is that of the whole. */
  #pathOf(name?: ByteName): string {
    const names = this.#levels.slice(1).map((level) => level.name.toString('latin1'));
    const below = [...names, ...(name === undefined ? [] : [name])];
    const path = [this.#path, ...below.map(textOfName)].join('/');
    return Buffer.byteLength(path) > MAX_PATH_BYTES ? this.#path : path;
  }
}

function endReading(level: Level): void {
  level.names?.close();
  level.names = undefined;
  level.unread = [];
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function isOtherKind(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EISDIR' || code === 'ENOTDIR' || code === 'ELOOP';
}

function isNotEmpty(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOTEMPTY' || code === 'EEXIST';
}
