import { type Mount, mountAt, parseMounts } from '../../machine/mounts.ts';
import { hasOwnProc } from '../../process/own-proc.ts';
import type { Check, Outcome } from '../check.ts';

type Problem = 'foreign' | 'hidden' | 'missing' | 'part';

/** What is known of proc(5). */
export interface ProcFacts {
  /** Whether it is there at all. */
  readonly isThere: boolean;
  /** Whether processes have the numbers there that they have for this program. */
  readonly isOwn: boolean;
  /** Undefined: it is not told. */
  readonly mount: Mount | undefined;
  readonly isRoot: boolean;
  /** The groups that this program is in. */
  readonly groups: readonly number[];
}

/** Values of `hidepid` with which nothing is hidden. */
const SHOWN: ReadonlySet<string | undefined> = new Set([undefined, '0', 'off']);

/** Whether proc(5) shows what runlet looks for in it. */
export function judgeProc({ groups, isOwn, isRoot, isThere, mount }: ProcFacts): Outcome<Problem> {
  if (!isThere) return { detail: '/proc has nothing of this program', problem: 'missing' };
  if (!isOwn) {
    const detail = '/proc is of another namespace of processes than this program is in';
    return { detail, problem: 'foreign', required: false };
  }
  const options = (mount?.options ?? []).filter((option) =>
    /^(?:hidepid|gid|subset)=/.test(option),
  );
  const detail = options.length === 0 ? 'it is whole' : `it is mounted with ${options.join(', ')}`;
  const settingOf = (name: string): string | undefined =>
    options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  if (settingOf('subset') === 'pid') return { detail, problem: 'part', required: false };
  const sees =
    isRoot || SHOWN.has(settingOf('hidepid')) || groups.includes(Number(settingOf('gid')));
  return sees ? { detail } : { detail, problem: 'hidden', required: false };
}

export const proc: Check<Problem> = {
  name: 'proc',
  about:
    'proc(5), by which processes, descriptors and files are found: whether it is mounted, and how',
  required: true,
  elsewhere: 'missing',
  problems: {
    missing: {
      consequence:
        'There is no `FileService`, and processes are started by `child_process`: without terminals, limits and sandboxes. What a process leaves outside of its group is not ended with it.',
      remedy:
        'Mount it before the server starts: `mount -t proc proc /proc`. In a chroot or a container, have whoever makes it mount it.',
    },
    foreign: {
      consequence:
        'What a process leaves outside of its group is not ended with it, processes have no limits and no sandboxes, and what a killed server leaves is not ended.',
      remedy:
        'Mount it anew in the namespace of the server: `unshare --pid --fork --mount-proc` for one, or `mount -t proc proc /proc` in it.',
    },
    hidden: {
      consequence:
        'Processes of other users are not seen: what a process started that became another user, as by sudo, is not found when it is ended, and not named by `runlet ports`.',
      remedy:
        'Show them: `mount -o remount,hidepid=0 /proc`, or mount it with `gid=GROUP` of a group that the user of the server is in. Of a unit, `ProtectProc=default`.',
    },
    part: {
      consequence:
        'Settings of the kernel are not seen: a server knows neither which start of the machine this is, so that it does not end what a killed one left, nor how much it may watch; and the `/proc` of a sandbox may not be mounted.',
      remedy:
        'Mount it anew without `subset=pid`: `mount -t proc proc /proc`. Of a unit, `ProcSubset=all`.',
    },
  },
  look: ({ read, uid }) =>
    judgeProc({
      isThere: read('/proc/self/status') !== undefined,
      isOwn: hasOwnProc(),
      mount: mountAt(parseMounts(read('/proc/self/mountinfo') ?? ''), '/proc'),
      isRoot: uid === 0,
      groups: process.getgroups?.() ?? [],
    }),
};
