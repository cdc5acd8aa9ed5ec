import type { Clock } from '../../clock.ts';
import type { RunletError } from '../../errors.ts';
import { MAX_INOTIFY_QUEUES, MAX_PRINCIPAL_WATCHED } from '../../limits.ts';
import { Tally } from '../../policy/tally.ts';
import type { Asker } from '../../turn-queue.ts';
import { faultOf } from '../file-fault.ts';
import type { FileWorkers } from '../workers/file-workers.ts';
import { errorOfFault } from '../workers/task.ts';
import { EventQueue } from './event-queue.ts';
import { Inotify } from './inotify.ts';
import { loadNativeInotify, type NativeInotify } from './inotify-native.ts';
import { Watch } from './watch.ts';
import type { FolderCount } from './watched-folders.ts';

/** What folders are watched with. */
export interface WatchesOptions {
  readonly workers: Pick<FileWorkers, 'begin'>;
  /** The time of the machine. */
  readonly clock: Clock;
}

/** A queue of the system's, and who uses it. */
interface SharedQueue {
  readonly inotify: Inotify;
  readonly principal: string;
  users: number;
}

/**
 * All folders that are watched. Each principal has a queue of the system's, so that what happens
 * in folders of others does not make it overflow; where there are too many they share them.
 */
export class Watches {
  readonly #options: WatchesOptions;
  readonly #folders = new Tally();
  readonly #queues = new Set<SharedQueue>();
  #native: { readonly functions: NativeInotify | undefined } | undefined;

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  /**
   * Begins to watch a folder; it must be closed in the end.
   *
   * @throws RunletError
   */
  open(asker: Asker, path: string, recursive: boolean): { readonly watch: Watch; close(): void } {
    const { clock, workers } = this.#options;
    const { principal } = asker;
    const shared = this.#queueOf(principal, path);
    shared.users += 1;
    const watch = new Watch({
      path,
      recursive,
      asker,
      workers,
      inotify: shared.inotify,
      queue: new EventQueue(clock),
      count: this.#countOf(principal),
    });
    let closed = false;
    const close = (): void => {
      if (closed) return;
      closed = true;
      watch.close();
      shared.users -= 1;
      if (shared.users > 0) return;
      this.#queues.delete(shared);
      shared.inotify.close();
    };
    return { watch, close };
  }

  #countOf(principal: string): FolderCount {
    const folders = this.#folders;
    return {
      maximum: MAX_PRINCIPAL_WATCHED,
      get room() {
        return MAX_PRINCIPAL_WATCHED - folders.of(principal);
      },
      add: (count) => folders.add(principal, count),
    };
  }

  #queueOf(principal: string, path: string): SharedQueue {
    const queues = [...this.#queues];
    const own = queues.find((queue) => queue.principal === principal);
    if (own !== undefined) return own;
    const [least] = queues.sort((a, b) => a.users - b.users);
    if (least !== undefined && queues.length >= MAX_INOTIFY_QUEUES) return least;
    try {
      return this.#open(principal, path);
    } catch (error) {
      if (least === undefined) throw error;
      return least;
    }
  }

  #open(principal: string, path: string): SharedQueue {
    this.#native ??= { functions: loadNativeInotify() };
    const { functions } = this.#native;
    if (functions === undefined) throw notSupported(path);
    try {
      const inotify = new Inotify(functions);
      const queue = { inotify, principal, users: 0 };
      this.#queues.add(queue);
      return queue;
    } catch (error) {
      throw openError(error, path);
    }
  }
}

function openError(error: unknown, path: string): RunletError {
  const { failure, metadata, reason } = faultOf(error, 'inotify_init1', path);
  // Of descriptors there are none, or of queues: errno(3) does not tell them apart.
  const limit = failure.errnoName === 'EMFILE' ? { limit: 'max_user_instances' } : metadata;
  return errorOfFault({ reason, failure, metadata: limit });
}

/** inotify(7) is called by koffi, which there is not for every machine. */
function notSupported(path: string): RunletError {
  const operation = 'inotify_init1';
  const message = 'the server cannot call it on this machine';
  return errorOfFault({
    reason: 'FILE_FAILED',
    failure: { operation, path, errnoName: 'ENOSYS', message, entries: 0 },
    metadata: {},
  });
}
