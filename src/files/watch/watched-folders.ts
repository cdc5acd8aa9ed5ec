import { limitExceeded, RunletError } from '../../errors.ts';
import type { Asker } from '../../turn-queue.ts';
import type { ByteName } from '../agent/byte-name.ts';
import type { Identity } from '../agent/identities.ts';
import {
  GONE_REASONS,
  type WatchArgs,
  type WatchEnd,
  type WatchedFolder,
  type WatchPiece,
} from '../agent/watch.ts';
import type { TaskStep } from '../workers/task.ts';
import { type Folder, FolderTree, pathBelow } from './folder-tree.ts';
import type { Adding, Inotify, InotifyListener } from './inotify.ts';

/** How many folders somebody watches, of those that it may. */
export interface FolderCount {
  /** How many more it may. */
  readonly room: number;
  readonly maximum: number;
  /** So many more, or less. */
  add(folders: number): void;
}

/** Who watches folders step by step, as the threads for files do. */
export interface FolderWatchers {
  begin(
    asker: Asker,
    operation: 'watchFolders',
    args: WatchArgs,
  ): { next(): Promise<TaskStep<WatchPiece, WatchEnd>>; close(): void };
}

/** What folders are watched with. */
export interface WatchedFoldersOptions {
  /** The start, a text of system-text.ts. */
  readonly path: string;
  /** Whether those below the start are watched, too. */
  readonly recursive: boolean;
  readonly asker: Asker;
  readonly workers: FolderWatchers;
  readonly inotify: Inotify;
  readonly count: FolderCount;
}

/** The start is not there any more. */
export class StartGone extends Error {}

/** The folders that one call watches. */
export class WatchedFolders {
  readonly #options: WatchedFoldersOptions;
  readonly #listener: InotifyListener;
  readonly tree = new FolderTree();
  #start: Identity | undefined;
  #giveUp: (() => void) | undefined;
  #closed = false;
  #incomplete = false;

  constructor(options: WatchedFoldersOptions, listener: InotifyListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /**
   * Watches the start, and what is below it.
   *
   * @throws RunletError, StartGone
   */
  async watchAll(): Promise<void> {
    for await (const _ of this.add('', { recursive: this.#options.recursive, tell: false }));
  }

  /**
   * Looks whether the start is there still.
   *
   * @throws RunletError, StartGone
   */
  async look(): Promise<void> {
    for await (const _ of this.add('', { recursive: false, tell: false }));
  }

  /**
   * Watches a folder. Where that does not fit to what is watched already, the listener is told of
   * an overflow.
   *
   * @throws RunletError, StartGone
   */
  async *add(
    below: ByteName,
    how: { readonly recursive: boolean; readonly tell: boolean },
  ): AsyncGenerator<WatchPiece, void> {
    const { asker, count, inotify, path, workers } = this.#options;
    const { maximum, room } = count;
    const parent = this.tree.parentOf(below)?.identity;
    const at = { path, start: this.#start, below, parent };
    const args = { inotify: inotify.descriptor, ...at, room, maximum };
    const adding = inotify.beginAdding();
    const task = workers.begin(asker, 'watchFolders', { ...args, ...how });
    this.#giveUp = () => task.close();
    try {
      while (!this.#closed) {
        const step = await task.next();
        if (step.done) {
          this.#start ??= step.result.start;
          this.#incomplete ||= step.result.incomplete;
          return;
        }
        if (step.piece === undefined) continue;
        if (!this.#enterAll(step.piece.folders, adding)) return;
        for (const missing of step.piece.missing) this.tree.miss(missing);
        yield step.piece;
      }
    } catch (error) {
      if (this.#start === undefined || !(error instanceof RunletError)) throw error;
      throw GONE_REASONS.includes(error.reason) ? new StartGone() : error;
    } finally {
      this.#giveUp = undefined;
      task.close();
      adding.close();
    }
  }

  /** Whether there were folders that cannot be watched since this was asked last. */
  takeIncomplete(): boolean {
    const incomplete = this.#incomplete;
    this.#incomplete = false;
    return incomplete;
  }

  /** Watches a folder no more, and none below it. */
  drop(folder: Folder): void {
    const watches = this.tree.remove(folder);
    for (const watch of watches) this.#options.inotify.leave(watch, this.#listener);
    this.#options.count.add(-watches.length);
  }

  /** Watches nothing any more. */
  dropAll(): void {
    if (this.tree.root !== undefined) this.drop(this.tree.root);
  }

  /** Ends it, whatever it does. */
  close(): void {
    this.#closed = true;
    this.#giveUp?.();
    this.dropAll();
  }

  /**
   * Knows folders that a thread watches now.
   *
   * @returns whether they fit
   * @throws RunletError `LIMIT_EXCEEDED`
   */
  #enterAll(folders: readonly WatchedFolder[], adding: Adding): boolean {
    const { count, inotify } = this.#options;
    let entered: 'yes' | 'full' | 'no' = 'yes';
    for (const folder of folders) {
      if (entered === 'yes') entered = this.#enter(folder, adding);
      inotify.release(folder.watch);
    }
    if (entered === 'full') {
      throw limitExceeded('max_principal_watched_directories', count.maximum);
    }
    if (entered === 'no' && !this.#closed) this.#listener.onOverflow();
    return entered === 'yes';
  }

  #enter(folder: WatchedFolder, { ended }: Adding): 'yes' | 'full' | 'no' {
    const { count, inotify } = this.#options;
    const { below, watch } = folder;
    const known = this.tree.of(watch);
    if (known !== undefined) return pathBelow(known) === below ? 'yes' : 'no';
    const end = ended.get(watch);
    // One that was left may be there.
    if (end === 'left') return 'no';
    if (end === 'gone') {
      this.tree.miss(below);
      return 'yes';
    }
    if (this.#closed) return 'no';
    if (count.room <= 0) return 'full';
    if (!this.tree.add(folder)) return 'no';
    inotify.listen(watch, this.#listener);
    count.add(1);
    return 'yes';
  }
}
