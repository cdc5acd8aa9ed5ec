import { constants } from 'node:os';
import type { Clock } from '../../clock.ts';
import type { RunletError } from '../../errors.ts';
import { MAX_INOTIFY_QUEUES, MAX_PRINCIPAL_WATCHED } from '../../limits.ts';
import { Tally } from '../../policy/tally.ts';
import type { Asker } from '../../turn-queue.ts';
import { systemError } from '../agent/native.ts';
import { faultOf } from '../file-fault.ts';
import type { FileOperations } from '../workers/file-operations.ts';
import { errorOfFault } from '../workers/task.ts';
import { EventQueue } from './event-queue.ts';
import { Inotify } from './inotify.ts';
import { loadNativeInotify, type NativeInotify } from './inotify-native.ts';
import { Watch } from './watch.ts';
import type { FolderCount } from './watched-folders.ts';

/** What folders are watched with. */
export interface WatchesOptions {
  /** The time of the machine. */
  readonly clock: Clock;
}

/** A folder that is to be watched. */
export interface WatchRequest {
  readonly asker: Asker;
  readonly path: string;
  readonly recursive: boolean;
  /** What finds it. */
  readonly files: FileOperations;
  /** Tells its sandbox from others of who asks; undefined: it is in none. */
  readonly sandbox: string | undefined;
}

/** A queue of the system's, and who uses it. */
interface SharedQueue {
  readonly inotify: Inotify;
  readonly principal: string;
  /** The session and the sandbox whose own it is; undefined: it is in none. */
  readonly sandbox: { readonly asker: unknown; readonly key: string } | undefined;
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
  open(request: WatchRequest): { readonly watch: Watch; close(): void } {
    const { asker, files, path, recursive } = request;
    const { clock } = this.#options;
    const { principal } = asker;
    const shared = this.#queueOf(request);
    shared.users += 1;
    const release = files.keep();
    const watch = new Watch({
      path,
      recursive,
      asker,
      workers: files,
      inotify: shared.inotify,
      queue: new EventQueue(clock),
      count: this.#countOf(principal),
    });
    let closed = false;
    const close = (): void => {
      if (closed) return;
      closed = true;
      watch.close();
      release();
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

  #queueOf(request: WatchRequest): SharedQueue {
    const { asker, path } = request;
    const own = [...this.#queues].find((queue) => isOwn(queue, request));
    if (own !== undefined) return own;
    const sandbox =
      request.sandbox === undefined ? undefined : { asker: asker.asker, key: request.sandbox };
    const queues = [...this.#queues].filter(
      (queue) => (queue.sandbox === undefined) === (sandbox === undefined),
    );
    const isFull = queues.length >= MAX_INOTIFY_QUEUES;
    // That of a sandbox can be read in there: nobody else's events are to be in it.
    if (sandbox !== undefined) {
      if (isFull) throw openError(systemError('inotify_init1', constants.errno.EMFILE), path);
      return this.#open({ principal: asker.principal, sandbox }, path);
    }
    const [least] = queues.sort((a, b) => a.users - b.users);
    if (least !== undefined && isFull) return least;
    try {
      return this.#open({ principal: asker.principal, sandbox }, path);
    } catch (error) {
      if (least === undefined) throw error;
      return least;
    }
  }

  #open(whose: Pick<SharedQueue, 'principal' | 'sandbox'>, path: string): SharedQueue {
    this.#native ??= { functions: loadNativeInotify() };
    const { functions } = this.#native;
    if (functions === undefined) throw notSupported(path);
    try {
      const inotify = new Inotify(functions);
      const queue = { inotify, ...whose, users: 0 };
      this.#queues.add(queue);
      return queue;
    } catch (error) {
      throw openError(error, path);
    }
  }
}

function isOwn({ principal, sandbox }: SharedQueue, request: WatchRequest): boolean {
  if (sandbox === undefined) {
    return request.sandbox === undefined && principal === request.asker.principal;
  }
  return sandbox.key === request.sandbox && sandbox.asker === request.asker.asker;
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
