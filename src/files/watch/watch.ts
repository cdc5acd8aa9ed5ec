import { LISTING_ENTRIES, MOVE_WAIT_MS, WATCH_LOOK_MS } from '../../limits.ts';
import { type ByteName, joinPath, textOfName } from '../agent/byte-name.ts';
import type { EventQueue, EventTest } from './event-queue.ts';
import { type Folder, pathBelow, pathIn } from './folder-tree.ts';
import type { InotifyListener } from './inotify.ts';
import type { InotifyEvent } from './inotify-events.ts';
import * as mask from './inotify-mask.ts';
import { type Change, Changes, type WatchMessage } from './watch-message.ts';
import { StartGone, WatchedFolders, type WatchedFoldersOptions } from './watched-folders.ts';

/** What a watch is made with. */
export interface WatchOptions extends WatchedFoldersOptions {
  readonly queue: EventQueue;
}

const SELF = mask.IN_DELETE_SELF | mask.IN_MOVE_SELF | mask.IN_UNMOUNT | mask.IN_IGNORED;

/**
 * Tells what happens in a folder. Events are taken one after the other, each when what the ones
 * before it have led to is done, and only while somebody takes what is told: in between they wait.
 * Where there are too many, or anything does not fit together, since events are of the past and
 * folders of the present, all is watched anew and an overflow told.
 */
export class Watch implements InotifyListener {
  readonly #options: WatchOptions;
  readonly #folders: WatchedFolders;
  readonly #changes = new Changes();
  #closed = false;
  /** Of the last event, if it was a move: from where to where. */
  #lastMove: readonly [from: ByteName, to: ByteName] | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#folders = new WatchedFolders(options, this);
  }

  onEvent(event: InotifyEvent): void {
    if (!this.#options.queue.push(event)) this.onOverflow();
  }

  onOverflow(): void {
    this.#options.queue.lose();
    // Whoever does not read costs nothing from here on.
    this.#folders.dropAll();
  }

  /** Ends it, whatever it does. */
  close(): void {
    this.#closed = true;
    this.#folders.close();
    this.#options.queue.lose();
  }

  /**
   * All that is to be told. It must be closed in the end.
   *
   * @throws RunletError
   */
  async *messages(): AsyncGenerator<WatchMessage, void> {
    try {
      await this.#watchAll();
      yield { kind: 'started' };
      while (!this.#closed) yield* this.#next();
    } catch (error) {
      if (!(error instanceof StartGone)) throw error;
      this.#tell('removed', '');
      yield this.#changes.take();
    }
  }

  async #watchAll(): Promise<void> {
    await this.#folders.watchAll();
    const isWatched = this.#folders.tree.root !== undefined;
    if (!isWatched && !this.#options.queue.isLost) throw new StartGone();
  }

  async *#next(): AsyncGenerator<WatchMessage, void> {
    const { queue } = this.#options;
    let overflows = this.#folders.takeIncomplete();
    if (queue.isLost) {
      this.#changes.take();
      queue.restore();
      await this.#watchAll();
      overflows = true;
    }
    const isFull = this.#changes.length >= LISTING_ENTRIES;
    if (isFull || (queue.length === 0 && this.#changes.length > 0)) yield this.#changes.take();
    if (overflows) yield { kind: 'overflow' };
    const event = queue.shift();
    if (event !== undefined) {
      yield* this.#handle(event);
    } else if (!queue.isLost && !(await queue.wait(WATCH_LOOK_MS))) {
      await this.#folders.look();
    }
  }

  async *#handle(event: InotifyEvent): AsyncGenerator<WatchMessage, void> {
    const { name } = event;
    const lastMove = this.#lastMove;
    this.#lastMove = undefined;
    const folder = this.#folders.tree.of(event.watch);
    if (folder === undefined) return;
    const has = (bits: number): boolean => (event.mask & bits) !== 0;
    if (has(SELF)) {
      yield* this.#handleSelf(folder, event);
    } else if (name === '') {
      // What is below the start is told of by the folder that it is in, too.
      if (folder === this.#folders.tree.root && has(mask.IN_ATTRIB)) this.#tell('attributes', '');
    } else if (has(mask.IN_MOVED_FROM)) {
      yield* this.#handleMove(folder, event, lastMove);
    } else if (has(mask.IN_CREATE | mask.IN_MOVED_TO)) {
      const below = pathIn(folder, name);
      const known = folder.children.get(name);
      if (known !== undefined && !has(mask.IN_CREATE)) {
        // What was in it is told of no more, and what is in it is told anew.
        this.#tell('removed', below);
        this.#folders.drop(known);
      }
      this.#tell('created', below);
      if (known !== undefined && has(mask.IN_CREATE)) return;
      if (has(mask.IN_ISDIR)) yield* this.#addTold(below);
    } else if (has(mask.IN_DELETE)) {
      this.#removed(folder, name);
    } else {
      this.#tell(has(mask.IN_MODIFY) ? 'modified' : 'attributes', pathIn(folder, name));
    }
  }

  /** A folder itself came to an end, or went elsewhere. */
  async *#handleSelf(folder: Folder, event: InotifyEvent): AsyncGenerator<WatchMessage, void> {
    const { parent } = folder;
    if (parent === undefined) throw new StartGone();
    if ((event.mask & (mask.IN_UNMOUNT | mask.IN_MOVE_SELF)) !== 0) {
      // What was covered is there again; or it is not what we had thought, and went elsewhere.
      this.onOverflow();
      return;
    }
    if ((event.mask & mask.IN_IGNORED) === 0) return;
    const below = pathBelow(folder);
    const { name } = folder;
    this.#folders.drop(folder);
    const isTold = this.#options.queue.has(
      (other) =>
        other.watch === parent.watch && other.name === name && (other.mask & mask.IN_DELETE) !== 0,
    );
    if (isTold) return;
    // Another one was there than we had thought: what is there is told anew.
    this.#tell('removed', below);
    yield* this.#addTold(below, () => this.#tell('created', below));
  }

  async *#handleMove(
    folder: Folder,
    event: InotifyEvent,
    lastMove: readonly [from: ByteName, to: ByteName] | undefined,
  ): AsyncGenerator<WatchMessage, void> {
    const partner = await this.#partnerOf(event);
    // Both may be others by now.
    if (this.#folders.tree.of(event.watch) !== folder) return;
    const target = partner && this.#folders.tree.of(partner.watch);
    if (partner === undefined || target === undefined) {
      this.#removed(folder, event.name);
      return;
    }
    const from = pathIn(folder, event.name);
    const to = pathIn(target, partner.name);
    if (lastMove?.[0] === to && lastMove[1] === from) {
      // There and back again, or the two were exchanged: the system tells both in the same way.
      this.onOverflow();
      return;
    }
    this.#lastMove = [from, to];
    this.#changes.add({ kind: 'moved', path: this.#pathOf(to), from: this.#pathOf(from) });
    const { tree } = this.#folders;
    const moved = folder.children.get(event.name);
    const replaced = target.children.get(partner.name);
    folder.missing.delete(event.name);
    if (replaced !== undefined) this.#folders.drop(replaced);
    if (moved === undefined) {
      if ((event.mask & mask.IN_ISDIR) !== 0) yield* this.#addTold(to);
      return;
    }
    // What comes there afterwards may be what is known, and say so of a later move.
    const isSame = await this.#take(
      isSelf(mask.IN_MOVE_SELF, moved.watch),
      isArrival(folder.watch, event.name),
    );
    // Unless that one says that it was moved, another was, which had its name before.
    if (isSame === undefined || !tree.move(moved, target, partner.name)) {
      this.onOverflow();
      return;
    }
    for (const missing of tree.missingIn(moved)) {
      yield* this.#addTold(missing, () => this.#tell('created', missing));
    }
  }

  /** The other half of a move; undefined: it went where we do not look. */
  #partnerOf({ cookie }: InotifyEvent): Promise<InotifyEvent | undefined> {
    return this.#take(
      (event) =>
        event.cookie === cookie &&
        (event.mask & mask.IN_MOVED_TO) !== 0 &&
        this.#folders.tree.of(event.watch) !== undefined,
    );
  }

  /**
   * An event that has to come with the one before; undefined: it does not.
   *
   * @param isBeyond what it does not come after
   */
  async #take(isWanted: EventTest, isBeyond?: EventTest): Promise<InotifyEvent | undefined> {
    const { queue } = this.#options;
    const event = queue.take(isWanted, isBeyond);
    if (event !== undefined || queue.length > 0 || queue.isLost) return event;
    await queue.wait(MOVE_WAIT_MS);
    return queue.take(isWanted, isBeyond);
  }

  #removed(folder: Folder, name: ByteName): void {
    const known = folder.children.get(name);
    this.#tell('removed', pathIn(folder, name));
    folder.missing.delete(name);
    if (known !== undefined) this.#folders.drop(known);
  }

  /** Watches a folder, where all are, and tells what is in it already. */
  async *#addTold(below: ByteName, onFound?: () => void): AsyncGenerator<WatchMessage, void> {
    if (!this.#options.recursive) return;
    for await (const { entries, folders } of this.#folders.add(below, {
      recursive: true,
      tell: true,
    })) {
      if (folders.some((folder) => folder.below === below)) onFound?.();
      for (const entry of entries) this.#tell('created', entry);
      if (this.#changes.length >= LISTING_ENTRIES) yield this.#changes.take();
    }
  }

  #tell(kind: Exclude<Change['kind'], 'moved'>, below: ByteName): void {
    this.#changes.add({ kind, path: this.#pathOf(below) });
  }

  #pathOf(below: ByteName): string {
    const { path } = this.#options;
    return below === '' ? path : joinPath(path, textOfName(below));
  }
}

function isSelf(bits: number, watch: number): EventTest {
  return (event) => event.watch === watch && (event.mask & bits) !== 0;
}

/** Something got a name in a folder. */
function isArrival(watch: number, name: ByteName): EventTest {
  const bits = mask.IN_CREATE | mask.IN_MOVED_TO;
  return (event) => event.watch === watch && event.name === name && (event.mask & bits) !== 0;
}
