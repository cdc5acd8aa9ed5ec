import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import type { Agent } from './agent.ts';
import { type NamedPlace, pathIn, pathOf } from './places.ts';
import type { TemporaryName } from './temporary-names.ts';

/** `O_TMPFILE` of fcntl.h on Linux, which Node.js does not name. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Only we can open it until it has its place. */
const PRIVATE_MODE = 0o600;

/** What file systems say that have no files without names, and older kernels. */
const NO_TMPFILE = new Set(['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'ENOENT', 'EINVAL']);

/** How a file gets its place. */
export interface Placing {
  /** Whether there is something that it replaces; else nothing may be there. */
  readonly replaces: boolean;
  /** Sets what is to be so before the file has its place. */
  prepare(descriptor: number): void;
}

/**
 * A file that is written beside its place, and then gets it, whole. Until then it has no name
 * where the system has such files, else one that nobody guesses.
 */
export class NewFile {
  readonly descriptor: number;
  readonly #agent: Agent;
  readonly #place: NamedPlace;
  /** That it has now. */
  #temporary: TemporaryName | undefined;

  constructor(agent: Agent, place: NamedPlace) {
    this.#agent = agent;
    this.#place = place;
    this.descriptor = this.#openNameless() ?? this.#openNamed();
  }

  /**
   * Gives it its place at once.
   *
   * @throws Error `EEXIST` where something is there, and it does not replace that
   */
  put({ prepare, replaces }: Placing): void {
    const { folder, name, path } = this.#place;
    const { native } = this.#agent.places;
    if (this.#temporary === undefined && native !== undefined) {
      if (!replaces) {
        prepare(this.descriptor);
        native.linkDescriptor(this.descriptor, folder, name);
        return;
      }
      const temporary = this.#agent.temporaries.take(folder);
      this.#temporary = temporary;
      // First, while it is ours: the system lets nobody link what is another's.
      native.linkDescriptor(this.descriptor, folder, temporary.name);
    }
    prepare(this.descriptor);
    if (replaces) renameSync(this.#temporaryPath(), path);
    else this.#renameNew();
    this.#temporary?.release();
    this.#temporary = undefined;
  }

  /** Closes it, and removes it unless it has its place. */
  close(): void {
    closeSync(this.descriptor);
    if (this.#temporary === undefined) return;
    try {
      unlinkSync(this.#temporaryPath());
    } catch (error) {
      // It stays on record.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return;
    }
    this.#temporary.release();
  }

  #openNameless(): number | undefined {
    if (this.#agent.places.native === undefined) return undefined;
    try {
      const flags = O_TMPFILE | constants.O_RDWR;
      return openSync(pathOf(this.#place.folder), flags, PRIVATE_MODE);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (NO_TMPFILE.has(code)) return undefined;
      throw error;
    }
  }

  #openNamed(): number {
    const temporary = this.#agent.temporaries.take(this.#place.folder);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    try {
      const descriptor = openSync(pathIn(this.#place.folder, temporary.name), flags, PRIVATE_MODE);
      this.#temporary = temporary;
      return descriptor;
    } catch (error) {
      temporary.release();
      throw error;
    }
  }

  /** Renames it unless something is there. */
  #renameNew(): void {
    const { folder, name, path } = this.#place;
    const { native } = this.#agent.places;
    const temporary = this.#temporary?.name ?? Buffer.alloc(0);
    try {
      if (native !== undefined) {
        native.renameNew(folder, temporary, folder, name);
        return;
      }
    } catch (error) {
      // Not every file system has it.
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    }
    linkSync(this.#temporaryPath(), path);
    unlinkSync(this.#temporaryPath());
  }

  #temporaryPath(): Buffer {
    return pathIn(this.#place.folder, this.#temporary?.name ?? Buffer.alloc(0));
  }
}

/** Waits until what is in a folder is on the disk. `folder`: of the kind `O_PATH`. */
export function syncFolder(folder: number): void {
  const opened = openSync(pathOf(folder), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
