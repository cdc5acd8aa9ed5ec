import { closeSync } from 'node:fs';
import { decodeEvents, type InotifyEvent } from './inotify-events.ts';
import { IN_IGNORED, IN_Q_OVERFLOW } from './inotify-mask.ts';
import type { NativeInotify, Poll } from './inotify-native.ts';

/** Who is told of events. */
export interface InotifyListener {
  /** Something happened in a folder that it listens to. */
  onEvent(event: InotifyEvent): void;
  /** The system has dropped events, of whatever folder. */
  onOverflow(): void;
}

/** While a thread watches folders, before its watches are known here. */
export interface Adding {
  /**
   * Watches that ended meanwhile, of which the thread may have been told before: with their
   * folders, or since nobody wanted them.
   */
  readonly ended: ReadonlyMap<number, 'gone' | 'left'>;
  /** It is done. */
  close(): void;
}

/** Bytes that are read at a time: some thousand events, so that others have turns between. */
const READ_BYTES = 64 * 1024;

/** What every read of every descriptor goes to: one is over before the next begins. */
const target = Buffer.allocUnsafeSlow(READ_BYTES);

/** A queue of the system's for what happens in folders, whose watches several share. */
export class Inotify {
  readonly descriptor: number;
  readonly #native: NativeInotify;
  readonly #poll: Poll;
  readonly #listeners = new Map<number, Set<InotifyListener>>();
  readonly #addings = new Set<Map<number, 'gone' | 'left'>>();
  #closed = false;

  /** @throws Error of the system */
  constructor(native: NativeInotify) {
    this.#native = native;
    this.descriptor = native.open();
    this.#poll = native.poll(this.descriptor, () => this.#read());
  }

  /** A thread begins to watch folders. It must be closed. */
  beginAdding(): Adding {
    const ended = new Map<number, 'gone' | 'left'>();
    this.#addings.add(ended);
    const close = (): void => {
      if (this.#addings.delete(ended)) this.#closeUnused();
    };
    return { ended, close };
  }

  /** Tells somebody of a watch, which an {@link Adding} has made and which has not ended. */
  listen(watch: number, listener: InotifyListener): void {
    const listeners = this.#listeners.get(watch) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(watch, listeners);
  }

  /** Tells somebody of a watch no more; when that was the last, it ends. */
  leave(watch: number, listener: InotifyListener): void {
    const listeners = this.#listeners.get(watch);
    if (listeners?.delete(listener)) this.release(watch);
  }

  /** Ends a watch that nobody is told of. */
  release(watch: number): void {
    if ((this.#listeners.get(watch)?.size ?? 0) > 0) return;
    this.#ended(watch, 'left');
    this.#native.remove(this.descriptor, watch);
  }

  /** Ends all watches, at once or when no thread uses it any more. */
  close(): void {
    this.#poll.close();
    this.#listeners.clear();
    this.#closed = true;
    this.#closeUnused();
  }

  /** Whatever is opened next may have its number: nobody may take that for this one. */
  #closeUnused(): void {
    if (this.#closed && this.#addings.size === 0) closeSync(this.descriptor);
  }

  #read(): void {
    const length = this.#native.read(this.descriptor, target);
    for (const event of decodeEvents(target.subarray(0, length))) this.#tell(event);
  }

  #tell(event: InotifyEvent): void {
    if ((event.mask & IN_Q_OVERFLOW) !== 0) {
      this.#overflow();
      return;
    }
    const listeners = this.#listeners.get(event.watch);
    if ((event.mask & IN_IGNORED) !== 0) this.#ended(event.watch, 'gone');
    for (const listener of listeners ?? []) listener.onEvent(event);
  }

  #overflow(): void {
    const all = new Set([...this.#listeners.values()].flatMap((listeners) => [...listeners]));
    for (const listener of all) listener.onOverflow();
  }

  #ended(watch: number, how: 'gone' | 'left'): void {
    this.#listeners.delete(watch);
    for (const ended of this.#addings) {
      // What was left is told of as gone, later.
      if (!ended.has(watch)) ended.set(watch, how);
    }
  }
}
