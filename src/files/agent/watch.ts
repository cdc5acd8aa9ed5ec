import { closeSync, fstatSync, lstatSync } from 'node:fs';
import type { Reason } from '../../errors.ts';
import { FILE_TURN_MS, LISTING_ENTRIES } from '../../limits.ts';
import { Fifo } from '../../output/fifo.ts';
import { FileFault, faultOf } from '../file-fault.ts';
import type { Agent } from './agent.ts';
import { type ByteName, bytesOfName, joinPath, textOfName } from './byte-name.ts';
import { type Identity, identityOf, isSame } from './identities.ts';
import { addWatch } from './inotify-add.ts';
import { openNames } from './names-in.ts';
import { openBelow } from './open-below.ts';

/** What watching is told as where the system says no more. */
const OPERATION = 'watch_directory';

/** Folders that are open at a time. */
const BATCH_FOLDERS = 16;

/** What a folder is then that is not there any more, or something else. */
export const GONE_REASONS: readonly Reason[] = [
  'FILE_NOT_FOUND',
  'NOT_A_DIRECTORY',
  'TOO_MANY_SYMLINKS',
];

/** What is to be watched. */
export interface WatchArgs {
  /** A descriptor of inotify(7). */
  readonly inotify: number;
  /** The folder that the call is about. */
  readonly path: string;
  /** What it has to be; undefined: any. */
  readonly start: Identity | undefined;
  /** The folder below it that is to be watched; empty: itself. */
  readonly below: ByteName;
  /** What the folder that this one is in has to be; undefined: it is the start itself. */
  readonly parent: Identity | undefined;
  /** Whether those below that are watched, too. */
  readonly recursive: boolean;
  /** Whether what is in them is told. */
  readonly tell: boolean;
  /** How many may be watched, and for error messages, how many of the caller's at all. */
  readonly room: number;
  readonly maximum: number;
}

/** A folder that is watched. */
export interface WatchedFolder {
  /** Its path below the start. */
  readonly below: ByteName;
  readonly watch: number;
  readonly identity: Identity;
}

/** What was watched or found. The next is asked for when the folders are known to be watched. */
export interface WatchPiece {
  readonly folders: readonly WatchedFolder[];
  /** Paths below the start of folders that are not there, or in another folder than was thought. */
  readonly missing: readonly ByteName[];
  /** Paths below the start of what is in folders that were told before. */
  readonly entries: readonly ByteName[];
}

/** What came of it. */
export interface WatchEnd {
  /** What the start is. */
  readonly start: Identity;
  /** Whether there are folders that cannot be watched. */
  readonly incomplete: boolean;
}

/**
 * Watches a folder, and those below it. What is in a folder is read after whoever asks knows that
 * it is watched, so that whatever comes into it is seen: then, or by an event.
 */
export function* watchFolders(
  agent: Agent,
  args: WatchArgs,
): Generator<WatchPiece | undefined, WatchEnd> {
  const watching = new Watching(agent, args);
  try {
    return yield* watching.run();
  } catch (error) {
    throw faultOf(error, OPERATION, args.path);
  } finally {
    watching.close();
  }
}

interface OpenFolder extends WatchedFolder {
  readonly descriptor: number;
}

/** A folder that is to be watched. */
interface WaitingFolder {
  readonly below: ByteName;
  readonly parent: Identity | undefined;
}

class Watching {
  readonly #agent: Agent;
  readonly #args: WatchArgs;
  readonly #start: number;
  readonly #waiting = new Fifo<WaitingFolder>();
  /** A folder that has two paths, by a mount, is watched by the first. */
  readonly #watches = new Set<number>();
  #open: OpenFolder[] = [];
  /** The folder that the last one was found in: those that wait come by folders. */
  #parent: { readonly below: ByteName; readonly descriptor: number } | undefined;
  #missing: ByteName[] = [];
  #incomplete = false;
  #fault: FileFault | undefined;

  constructor(agent: Agent, args: WatchArgs) {
    this.#agent = agent;
    this.#args = args;
    this.#start = agent.places.find(args.path, { follow: true });
  }

  close(): void {
    closeSync(this.#start);
    this.#closeFolders();
    this.#closeParent();
  }

  *run(): Generator<WatchPiece | undefined, WatchEnd> {
    const { below, parent, recursive, start, tell } = this.#args;
    const found = identityOf(fstatSync(this.#start, { bigint: true }));
    if (start !== undefined && !isSame(found, start)) {
      throw new FileFault('FILE_NOT_FOUND', {
        operation: OPERATION,
        path: this.#args.path,
        message: 'another is in its place',
      });
    }
    this.#waiting.push({ below, parent });
    while (this.#waiting.length > 0) {
      yield { folders: this.#watchSome(), missing: this.#missing.splice(0), entries: [] };
      // After those before it are known, so that they can be given up.
      if (this.#fault !== undefined) throw this.#fault;
      if (recursive || tell) yield* this.#readAll();
      this.#closeFolders();
    }
    return { start: found, incomplete: this.#incomplete };
  }

  #closeFolders(): void {
    for (const { descriptor } of this.#open.splice(0)) closeSync(descriptor);
  }

  /** Watches folders that wait, which stay open to be read. */
  #watchSome(): WatchedFolder[] {
    while (this.#open.length < BATCH_FOLDERS && this.#fault === undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      try {
        this.#watch(next);
      } catch (error) {
        this.#failed(error, next.below);
      }
    }
    return this.#open.map(({ below, identity, watch }) => ({ below, identity, watch }));
  }

  #watch({ below, parent }: WaitingFolder): void {
    const descriptor =
      parent === undefined ? this.#find(this.#start, below) : this.#findIn(below, parent);
    if (descriptor === undefined) {
      this.#missing.push(below);
      return;
    }
    try {
      const watch = addWatch(this.#args.inotify, descriptor, this.#pathOf(below));
      if (this.#watches.has(watch)) {
        closeSync(descriptor);
        return;
      }
      const identity = identityOf(fstatSync(descriptor, { bigint: true }));
      this.#watches.add(watch);
      this.#open.push({ below, watch, identity, descriptor });
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  #find(folder: number, below: ByteName): number {
    return openBelow(this.#agent.places, folder, below);
  }

  /**
   * Finds one in the folder that it was told to be in, and not in another that has the path of that
   * one by now: what is there would be taken for what is in the one that went elsewhere.
   */
  #findIn(below: ByteName, parent: Identity): number | undefined {
    const at = below.lastIndexOf('/');
    const folder = this.#openParent(below.slice(0, Math.max(at, 0)));
    const found = identityOf(fstatSync(folder, { bigint: true }));
    return isSame(found, parent) ? this.#find(folder, below.slice(at + 1)) : undefined;
  }

  #openParent(below: ByteName): number {
    if (this.#parent?.below === below) return this.#parent.descriptor;
    this.#closeParent();
    const descriptor = this.#find(this.#start, below);
    this.#parent = { below, descriptor };
    return descriptor;
  }

  #closeParent(): void {
    if (this.#parent !== undefined) closeSync(this.#parent.descriptor);
    this.#parent = undefined;
  }

  /** One that is gone, or no folder any more, is no failure: an event tells why. */
  #failed(error: unknown, below: ByteName): void {
    if (below === '') throw error;
    const fault = faultOf(error, OPERATION, this.#pathOf(below));
    if (fault.reason === 'LIMIT_EXCEEDED') this.#fault = fault;
    else if (GONE_REASONS.includes(fault.reason)) this.#missing.push(below);
    else this.#incomplete = true;
  }

  *#readAll(): Generator<WatchPiece | undefined, void> {
    let entries: ByteName[] = [];
    let turnEnds = performance.now() + FILE_TURN_MS;
    for (const folder of this.#open) {
      const { below } = folder;
      try {
        for (const entry of this.#read(folder)) {
          if (this.#args.tell) entries.push(entry);
          const isLate = performance.now() >= turnEnds;
          if (!isLate && entries.length < LISTING_ENTRIES) continue;
          yield entries.length === 0 ? undefined : { folders: [], missing: [], entries };
          entries = [];
          turnEnds = performance.now() + FILE_TURN_MS;
        }
      } catch (error) {
        this.#failed(error, below);
      }
      if (this.#fault !== undefined) throw this.#fault;
    }
    if (entries.length > 0) yield { folders: [], missing: [], entries };
  }

  /** What is in a folder. Folders among it wait to be watched. */
  *#read({ below, descriptor, identity }: OpenFolder): Generator<ByteName, void> {
    const names = openNames(descriptor);
    try {
      for (let some = names.read(); some.length > 0; some = names.read()) {
        for (const { isFolder, name } of some) {
          const entry = joinPath(below, name);
          if (this.#args.recursive && (isFolder ?? looksLikeFolder(descriptor, name))) {
            this.#wait({ below: entry, parent: identity });
          }
          yield entry;
        }
      }
    } finally {
      names.close();
    }
  }

  #wait(folder: WaitingFolder): void {
    const { maximum, room } = this.#args;
    if (this.#watches.size + this.#waiting.length >= room) {
      throw new FileFault(
        'LIMIT_EXCEEDED',
        {
          operation: OPERATION,
          path: this.#pathOf(folder.below),
          message: `more than the ${maximum} folders that a caller may watch`,
        },
        { limit: 'max_principal_watched_directories', maximum: String(maximum) },
      );
    }
    this.#waiting.push(folder);
  }

  #pathOf(below: ByteName): string {
    return below === '' ? this.#args.path : joinPath(this.#args.path, textOfName(below));
  }
}

function looksLikeFolder(folder: number, name: ByteName): boolean {
  const at = bytesOfName(`/proc/self/fd/${folder}/${name}`);
  return lstatSync(at, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
