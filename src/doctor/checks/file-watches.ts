import { closeSync } from 'node:fs';
import { loadNativeInotify } from '../../files/watch/inotify-native.ts';
import { MAX_PRINCIPAL_WATCHED } from '../../limits.ts';
import type { ReadText } from '../../machine/read-text.ts';
import type { Check, Outcome } from '../check.ts';
import { MEND_NATIVE } from '../remedies.ts';

type Problem = 'few' | 'instances' | 'native' | 'refused';

/** What is known of inotify(7). */
export interface WatchFacts {
  /** The name of the error with which none could be made; undefined: one could. */
  readonly errnoName: string | undefined;
  /** Folders that all programs of this user may watch; undefined: it is not told. */
  readonly mostWatches: number | undefined;
  /** Programs of this user, about, that may watch; undefined: it is not told. */
  readonly mostInstances: number | undefined;
}

const NONE = '`WatchDirectory` fails, and so does `runlet files watch`.';

/** Whether as many folders can be watched as one caller may. */
export function judgeWatches({
  errnoName,
  mostInstances,
  mostWatches,
}: WatchFacts): Outcome<Problem> {
  if (errnoName === 'EMFILE') {
    const of = mostInstances === undefined ? '' : `: all ${mostInstances} of this user are in use`;
    return { detail: `inotify_init1 failed (EMFILE)${of}`, problem: 'instances' };
  }
  if (errnoName !== undefined) {
    return { detail: `inotify_init1 failed (${errnoName})`, problem: 'refused' };
  }
  if (mostWatches === undefined) return { detail: 'folders can be watched; how many is not told' };
  const detail = `this user may watch ${mostWatches} folders, and one caller ${MAX_PRINCIPAL_WATCHED}`;
  if (mostWatches >= MAX_PRINCIPAL_WATCHED) return { detail };
  return { detail, problem: 'few', values: { mostWatches, wanted: 2 * MAX_PRINCIPAL_WATCHED } };
}

export const fileWatches: Check<Problem> = {
  name: 'file-watches',
  about: 'whether folders can be watched, and how many, inotify(7)',
  required: false,
  elsewhere: 'native',
  problems: {
    native: { consequence: NONE, remedy: MEND_NATIVE },
    instances: {
      consequence: NONE,
      remedy: 'Allow more of them: `sysctl -w fs.inotify.max_user_instances=1024`.',
    },
    refused: {
      consequence: NONE,
      remedy: 'Allow inotify_init1(2) where a filter of system calls forbids it.',
    },
    few: {
      consequence:
        'Beyond {mostWatches} folders `WatchDirectory` fails with `LIMIT_EXCEEDED`, less what other programs of this user watch.',
      remedy: 'Allow more of them: `sysctl -w fs.inotify.max_user_watches={wanted}`.',
    },
  },
  look({ read }) {
    const native = loadNativeInotify();
    if (native === undefined) return { detail: 'it could not be tried', problem: 'native' };
    return judgeWatches({
      errnoName: errnoOf(() => closeSync(native.open())),
      mostWatches: least(read, 'watches'),
      mostInstances: least(read, 'instances'),
    });
  },
};

function errnoOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
  }
}

/** Of the limit of the machine, and of the one of this namespace of users. */
function least(read: ReadText, what: string): number | undefined {
  const paths = [`fs/inotify/max_user_${what}`, `user/max_inotify_${what}`];
  const values = paths
    .map((path) => Number.parseInt(read(`/proc/sys/${path}`) ?? '', 10))
    .filter((value) => !Number.isNaN(value));
  return values.length === 0 ? undefined : Math.min(...values);
}
