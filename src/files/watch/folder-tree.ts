import { type ByteName, joinPath } from '../agent/byte-name.ts';
import type { Identity } from '../agent/identities.ts';
import type { WatchedFolder } from '../agent/watch.ts';

/** A folder that is watched. */
export interface Folder {
  readonly watch: number;
  readonly identity: Identity;
  /** Undefined: the start. */
  parent: Folder | undefined;
  name: ByteName;
  readonly children: Map<ByteName, Folder>;
  /**
   * Those in it that an event has told of and that were not found: they were moved or removed
   * since, as events to come will tell, or one of those that they are in was.
   */
  readonly missing: Set<ByteName>;
}

/** Folders that are watched, below a start, as the events so far tell. */
export class FolderTree {
  readonly #byWatch = new Map<number, Folder>();
  #root: Folder | undefined;

  get root(): Folder | undefined {
    return this.#root;
  }

  get size(): number {
    return this.#byWatch.size;
  }

  /** The folder of a watch. */
  of(watch: number): Folder | undefined {
    return this.#byWatch.get(watch);
  }

  /** The folder with a path below the start. */
  at(below: ByteName): Folder | undefined {
    let folder = this.#root;
    for (const name of namesOf(below)) folder = folder?.children.get(name);
    return folder;
  }

  /**
   * Adds a folder, with a watch that is new.
   *
   * @returns whether it could: the one that it is in is there, and there is none with its name
   */
  add({ below, identity, watch }: WatchedFolder): boolean {
    const name = namesOf(below).pop();
    const parent = this.parentOf(below);
    const isFree =
      name === undefined ? this.#root === undefined : parent?.children.has(name) === false;
    if (!isFree) return false;
    const folder: Folder = {
      watch,
      identity,
      parent,
      name: name ?? '',
      children: new Map(),
      missing: new Set<ByteName>(),
    };
    if (parent === undefined) this.#root = folder;
    else parent.children.set(folder.name, folder);
    this.#byWatch.set(watch, folder);
    parent?.missing.delete(folder.name);
    return true;
  }

  /** The folder that what has a path below the start is in. */
  parentOf(below: ByteName): Folder | undefined {
    return below === '' ? undefined : this.at(below.slice(0, Math.max(below.lastIndexOf('/'), 0)));
  }

  /** One was not found where it should be. */
  miss(below: ByteName): void {
    this.parentOf(below)?.missing.add(namesOf(below).pop() ?? '');
  }

  /** The paths of those that are missing in a folder and those below it. */
  missingIn(folder: Folder): readonly ByteName[] {
    const paths: ByteName[] = [];
    const left = [folder];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      for (const name of next.missing) paths.push(pathIn(next, name));
      left.push(...next.children.values());
    }
    return paths;
  }

  /**
   * Gives a folder another place.
   *
   * @returns whether it could: the place is free, and not in the folder itself
   */
  move(folder: Folder, parent: Folder, name: ByteName): boolean {
    if (parent.children.has(name)) return false;
    for (let at: Folder | undefined = parent; at !== undefined; at = at.parent) {
      if (at === folder) return false;
    }
    folder.parent?.children.delete(folder.name);
    folder.parent = parent;
    folder.name = name;
    parent.children.set(name, folder);
    return true;
  }

  /** Removes a folder and those below it. @returns their watches */
  remove(folder: Folder): readonly number[] {
    folder.parent?.children.delete(folder.name);
    if (folder === this.#root) this.#root = undefined;
    const watches: number[] = [];
    const left = [folder];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      watches.push(next.watch);
      this.#byWatch.delete(next.watch);
      left.push(...next.children.values());
    }
    return watches;
  }
}

/** The path of a folder below the start. */
export function pathBelow(folder: Folder): ByteName {
  const names: ByteName[] = [];
  for (let at = folder; at.parent !== undefined; at = at.parent) names.unshift(at.name);
  return names.join('/');
}

/** The path of what has a name in a folder. */
export function pathIn(folder: Folder, name: ByteName): ByteName {
  return joinPath(pathBelow(folder), name);
}

function namesOf(below: ByteName): ByteName[] {
  return below === '' ? [] : below.split('/');
}
