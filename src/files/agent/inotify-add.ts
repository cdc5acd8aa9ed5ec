import { readFileSync } from 'node:fs';
import { loadKoffi } from '../../koffi.ts';
import { FileFault } from '../file-fault.ts';
import { WATCH_MASK } from '../watch/inotify-mask.ts';
import { systemError } from './native.ts';
import { pathOf } from './places.ts';

/** inotify_add_watch(2): the number of the watch, or -1. */
type AddWatch = (inotify: number, path: string, mask: number) => number;

let loaded: { readonly add: AddWatch; errno(): number } | undefined;

/**
 * Watches a folder that is open.
 *
 * @returns the number of its watch, the same as before where it is watched already
 * @throws FileFault where the system allows no more; Error of the system
 */
export function addWatch(inotify: number, folder: number, path: string): number {
  loaded ??= load();
  const watch = loaded.add(inotify, pathOf(folder), WATCH_MASK);
  if (watch >= 0) return watch;
  const error = systemError('inotify_add_watch', loaded.errno());
  throw error.code === 'ENOSPC' ? noMoreWatches(path) : error;
}

function load(): { readonly add: AddWatch; errno(): number } {
  const koffi = loadKoffi();
  const add = koffi
    .load(null)
    .func('int inotify_add_watch(int inotify, const char *path, uint32_t mask)') as AddWatch;
  return { add, errno: () => koffi.errno() };
}

function noMoreWatches(path: string): FileFault {
  return new FileFault(
    'LIMIT_EXCEEDED',
    {
      operation: 'inotify_add_watch',
      path,
      errnoName: 'ENOSPC',
      message: 'the user of the server may watch no more on this machine',
    },
    { limit: 'max_user_watches', maximum: maxUserWatches() },
  );
}

/** Where the limit is: that of inotify(7), and that of our namespace, user_namespaces(7). */
const LIMITS = ['/proc/sys/fs/inotify/max_user_watches', '/proc/sys/user/max_inotify_watches'];

/** The one that counts; empty where none can be read. */
function maxUserWatches(): string {
  const limits = LIMITS.flatMap((path) => {
    try {
      return [Number(readFileSync(path, 'utf8'))];
    } catch {
      return [];
    }
  });
  return limits.length === 0 ? '' : String(Math.min(...limits));
}
