import { readdirSync, readFileSync } from 'node:fs';
import { hasOwnProc } from '../own-proc.ts';

const THREADS = '/proc/self/task';

/**
 * The children of this process, of all its threads, as proc(5) has them in
 * `/proc/pid/task/tid/children`; undefined where the kernel was built without that, or that is
 * of other processes. None
 * is missing unless one was reaped meanwhile, which hides another: by another thread
 * than this one, that is, since nothing else happens on this one.
 */
export function ownChildren(): readonly number[] | undefined {
  if (!hasOwnProc()) return undefined;
  try {
    return readdirSync(THREADS).flatMap((thread) =>
      readFileSync(`${THREADS}/${thread}/children`, 'latin1').split(' ').slice(0, -1).map(Number),
    );
  } catch {
    return undefined;
  }
}
