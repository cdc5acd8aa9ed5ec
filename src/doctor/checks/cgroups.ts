import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseMounts } from '../../machine/mounts.ts';
import { type CgroupFolder, ownCgroup } from '../../machine/own-cgroup.ts';
import type { ReadText } from '../../machine/read-text.ts';
import type { Check, Outcome } from '../check.ts';
import { MEND_PROC } from '../remedies.ts';

/** What is known of cgroups, cgroups(7). */
export interface CgroupFacts {
  /** Whether processes are started in cgroups of their own. */
  readonly isUsed: boolean;
  /** Whether there are any, of version 1 at least; undefined: it is not told. */
  readonly isMounted: boolean | undefined;
  /** The folder of this program's; undefined: it is in none of version 2, or sees none. */
  readonly own: CgroupFolder | undefined;
  /** What came of making one below it. */
  readonly trial: CgroupTrial | undefined;
  /** Whether the C library can make a child in one. */
  readonly hasLibrary: boolean;
}

/** What came of making a cgroup. */
export interface CgroupTrial {
  /** The name of the error with which it could not be made. */
  readonly errnoName?: string;
  /** Whether all in it can be killed at once. */
  readonly kills: boolean;
  /** Controllers that could be switched on for it: runlet switches none on. */
  readonly controllers: readonly string[];
}

type Problem = 'denied' | 'kill' | 'library' | 'none' | 'proc' | 'version';

const ONE_BY_ONE =
  'What a process started is killed one by one, and not at once: what forks faster than it is killed may escape.';

/** Whether the launcher can give each process a cgroup, by which all that came of it is killed. */
export function judgeCgroups(facts: CgroupFacts): Outcome<Problem> {
  const { hasLibrary, isMounted, isUsed, own, trial } = facts;
  if (isMounted === undefined) return { detail: 'it is not told without /proc', problem: 'proc' };
  if (!isMounted) return { detail: 'no cgroups are mounted', problem: 'none' };
  if (own === undefined || trial === undefined) {
    return { detail: 'those of version 1 are there, and none of version 2', problem: 'version' };
  }
  const { path } = own;
  // Something else is mounted over it.
  if (trial.errnoName === 'ENOENT') return { detail: `${path} is not there`, problem: 'none' };
  if (trial.errnoName !== undefined) {
    const detail = `no cgroup can be made below ${path}: ${trial.errnoName}`;
    return { detail, problem: 'denied', values: { path } };
  }
  const controllers = trial.controllers.length === 0 ? 'none' : trial.controllers.join(', ');
  const made = `cgroups can be made below ${path} (controllers that could be switched on: ${controllers})`;
  if (!trial.kills) return { detail: `${made}, without cgroup.kill`, problem: 'kill' };
  if (!hasLibrary || !isUsed) {
    const detail = `${made}, but the C library makes no process in one`;
    return { detail, problem: 'library' };
  }
  return { detail: `${made}; each process has one, which is killed as a whole` };
}

export const cgroups: Check<Problem> = {
  name: 'cgroups',
  about:
    'whether each process can have a cgroup of its own, by which all that came of it is killed; runlet bounds no memory and no processor time by cgroups, so what it starts shares what bounds the server',
  required: false,
  elsewhere: 'none',
  problems: {
    proc: { consequence: ONE_BY_ONE, remedy: MEND_PROC },
    none: {
      consequence: ONE_BY_ONE,
      remedy: 'Mount them: `mount -t cgroup2 none /sys/fs/cgroup`, or let the container have them.',
    },
    version: {
      consequence: ONE_BY_ONE,
      remedy:
        'Have the machine use cgroups of version 2 alone: `systemd.unified_cgroup_hierarchy=1` on the command line of its kernel.',
    },
    denied: {
      consequence: ONE_BY_ONE,
      remedy:
        'Delegate {path} to the user of the server: `Delegate=yes` in its unit, `systemd-run --user --scope -p Delegate=yes` before the command, or, in a container, a namespace of cgroups of its own (`--cgroupns=private`) that is mounted to be written.',
    },
    kill: { consequence: ONE_BY_ONE, remedy: 'Use Linux 5.14 or later.' },
    library: {
      consequence: ONE_BY_ONE,
      remedy:
        'Use a C library that has `posix_spawnattr_setcgroup_np`: glibc 2.39 or later, as in Debian 13, Ubuntu 24.04 and Fedora 40.',
    },
  },
  look: ({ launcher, native, read }) => {
    const mountinfo = read('/proc/self/mountinfo');
    const mounts = parseMounts(mountinfo ?? '');
    const own = ownCgroup(read('/proc/self/cgroup') ?? '', mounts);
    return judgeCgroups({
      isUsed: launcher.tree === 'cgroup',
      isMounted:
        mountinfo === undefined ? undefined : mounts.some(({ type }) => /^cgroup2?$/.test(type)),
      own,
      trial: own && tryCgroup(own.path, read),
      hasLibrary: 'libc' in native && native.libc.attributesSetCgroup !== undefined,
    });
  },
};

/** Makes one, named as servers name theirs, which remove it where this program is killed meanwhile. */
function tryCgroup(own: string, read: ReadText): CgroupTrial {
  const path = join(own, `runlet-${process.pid}-${randomBytes(4).toString('hex')}`);
  const controllers = (read(join(own, 'cgroup.controllers')) ?? '').trim().split(/\s+/);
  try {
    mkdirSync(path);
  } catch (error) {
    const errnoName = error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
    return { errnoName, kills: false, controllers: [] };
  }
  try {
    return {
      kills: existsSync(join(path, 'cgroup.kill')),
      controllers: canWrite(join(own, 'cgroup.subtree_control'))
        ? controllers.filter((name) => name !== '')
        : [],
    };
  } finally {
    rmdirSync(path);
  }
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
