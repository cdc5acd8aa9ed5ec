import { type BigIntStats, constants, readlinkSync, statfsSync } from 'node:fs';
import { MAX_KNOWN_SANDBOX_NAMES } from '../../limits.ts';
import { pathOfText, textOfBytes } from '../../system-text.ts';
import { folderOf } from '../boundary.ts';
import { errnoNameOfError } from './sandbox-fault.ts';
import { type Looked, lookAt, type Search } from './search.ts';

/** What was found at a name in a folder. */
interface Name {
  readonly path: string;
  readonly found: Looked;
  /** Where it leads; undefined: it is no link. */
  readonly target: string | undefined;
}

/** A folder that names were looked for in, as it was before that. */
interface Folder {
  readonly path: string;
  readonly names: readonly Name[];
  readonly stats: BigIntStats;
  /** Whether it has other times than these as soon as a name in it is another one. */
  readonly isSettled: boolean;
}

/**
 * What a search would find: something else; the same; or the same as at any moment since it was looked
 * at before.
 */
export type Lookout = 'changed' | 'same' | 'untouched';

/**
 * How long ago the last change of a folder must be, so that the next one cannot have the same time: at
 * least as long as the coarsest of the clocks takes by which file systems tell times, in milliseconds.
 * That of the kernel takes up to 10, and what has no room for parts of a second takes a whole one.
 */
const SETTLED_MS = 3000;

const NS_PER_MS = 1_000_000n;

/**
 * File systems that only this machine changes, and that give a folder the time of the machine whenever a
 * name in it becomes another one: `f_type` of statfs(2). What may be changed from elsewhere has the time
 * of elsewhere, or tells it late.
 */
const TIMED: ReadonlySet<number> = new Set([
  ...[0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0xca45_1a4e, 0x2fc1_2fc1],
  ...[0x0102_1994, 0x8584_58f6, 0x794c_7630, 0x7371_7368, 0xe0f5_e1e2],
]);

const S_IFMT = BigInt(constants.S_IFMT);
/** A folder that all may write to, but remove from it what is their own alone. */
const SHARED = 0o1002n;

/**
 * What a search looked at, to be asked whether it would find the same now: all that it relied on is
 * which names there are, what kinds of things they are, where links lead, and whom folders let
 * through. A folder whose time of change is what it was is one in which no name has changed; of
 * another one, or where that time says too little, each name is looked at again.
 */
export class SearchRecord {
  #folders: readonly Folder[];

  /** @returns undefined where it cannot be told what the search would find now, or takes too much */
  static of(search: Search): SearchRecord | undefined {
    const { begunMs, entered, seen } = search;
    if (seen.size > MAX_KNOWN_SANDBOX_NAMES) return undefined;
    const names = namesByFolder(search);
    const folders: Folder[] = [];
    for (const path of new Set([...entered, ...names.keys()])) {
      const stats = seen.get(path);
      if (stats === undefined || typeof stats === 'string') return undefined;
      // It is a name in its own folder.
      if (!stats.isDirectory()) continue;
      const own = names.get(path) ?? [];
      // Whether a link in one may be followed is also a question of its owner and of the machine's settings.
      const hasLinks = own.some(({ target }) => target !== undefined);
      if (hasLinks && (stats.mode & SHARED) === SHARED) return undefined;
      folders.push({ path, names: own, stats, isSettled: isSettled(path, stats, begunMs) });
    }
    return new SearchRecord(folders);
  }

  private constructor(folders: readonly Folder[]) {
    this.#folders = folders;
  }

  /** What the search would find if it began now. */
  look(): Lookout {
    const folders: Folder[] = [];
    for (const folder of this.#folders) {
      const now = folderNow(folder);
      if (now === undefined) return 'changed';
      folders.push(now);
    }
    const isUntouched = folders.every((folder, index) => folder === this.#folders[index]);
    this.#folders = folders;
    return isUntouched ? 'untouched' : 'same';
  }
}

/** What was looked at, by the folders that it is in. */
function namesByFolder({ seen, targets }: Search): ReadonlyMap<string, Name[]> {
  const names = new Map<string, Name[]>();
  for (const [path, found] of seen) {
    const folder = folderOf(path);
    if (folder === undefined) continue;
    const others = names.get(folder);
    const name = { path, found, target: targets.get(path) };
    if (others === undefined) names.set(folder, [name]);
    else others.push(name);
  }
  return names;
}

/** Whether the next change of what is in a folder gives it another time than it had when it was looked at. */
function isSettled(path: string, { ctimeNs }: BigIntStats, lookedMs: number): boolean {
  if (ctimeNs >= BigInt(lookedMs - SETTLED_MS) * NS_PER_MS) return false;
  try {
    return TIMED.has(statfsSync(pathOfText(path)).type);
  } catch (error) {
    if (errnoNameOfError(error) === undefined) throw error;
    return false;
  }
}

/** A folder as it is now; undefined: the same would not be found in it. */
function folderNow(folder: Folder): Folder | undefined {
  const now = Date.now();
  const stats = lookAt(folder.path);
  if (typeof stats === 'string' || !isSameFolder(stats, folder.stats)) return undefined;
  if (stats.ctimeNs === folder.stats.ctimeNs && folder.isSettled) return folder;
  if (!folder.names.every(isAsFound)) return undefined;
  return { ...folder, stats, isSettled: isSettled(folder.path, stats, now) };
}

function isSameFolder(one: BigIntStats, other: BigIntStats): boolean {
  return (
    one.ino === other.ino &&
    one.dev === other.dev &&
    one.mode === other.mode &&
    one.uid === other.uid &&
    one.gid === other.gid
  );
}

/** Whether it is the same kind of thing: whom it lets through is asked of the folders among them. */
function isAsFound({ found, path, target }: Name): boolean {
  const now = lookAt(path);
  if (typeof now === 'string' || typeof found === 'string') return now === found;
  if ((now.mode & S_IFMT) !== (found.mode & S_IFMT)) return false;
  return target === undefined || targetNow(path) === target;
}

function targetNow(path: string): string | undefined {
  try {
    return textOfBytes(readlinkSync(pathOfText(path), { encoding: 'buffer' }));
  } catch (error) {
    if (errnoNameOfError(error) === undefined) throw error;
    return undefined;
  }
}
