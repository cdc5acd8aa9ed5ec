import { hasOwnProc } from '../../process/own-proc.ts';
import type { Check } from '../check.ts';
import { MEND_PROC } from '../remedies.ts';

const NONE = 'A start that asks for `limits` fails with `START_FAILED`, errno ENOTSUP.';

/** Whether the kernel gives leases of files at all. */
const LEASES = '/proc/sys/fs/leases-enable';

export const processLimits: Check<'disabled' | 'leases' | 'marks' | 'proc'> = {
  name: 'process-limits',
  about: 'whether processes can be started with `limits`, by files in memory and leases of them',
  required: false,
  elsewhere: 'marks',
  problems: {
    proc: { consequence: NONE, remedy: MEND_PROC },
    marks: { consequence: NONE, remedy: 'Mend `process-marks` first.' },
    disabled: { consequence: NONE, remedy: 'Allow leases: `sysctl -w fs.leases-enable=1`.' },
    leases: {
      consequence: NONE,
      remedy:
        'Allow memfd_create(2) and fcntl(2) with `F_SETLEASE` where a filter of system calls forbids them: `SystemCallFilter=` of a unit, `--security-opt seccomp=FILE` of a container.',
    },
  },
  look({ launcher, read }) {
    if (launcher.limits) return { detail: 'a process that is started can be held and limited' };
    if (!hasOwnProc()) return { detail: 'it takes /proc of this program', problem: 'proc' };
    if (launcher.marking === undefined) return { detail: 'it takes marks', problem: 'marks' };
    return read(LEASES)?.trim() === '0'
      ? { detail: `${LEASES} is 0`, problem: 'disabled' }
      : { detail: 'a lease of a file in memory holds nobody', problem: 'leases' };
  },
};
