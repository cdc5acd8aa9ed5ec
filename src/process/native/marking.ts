import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Marking } from '../launcher.ts';
import { type Delivery, signalProcess } from '../signals.ts';
import { type KinMarks, softLimitOf } from './kin-marks.ts';
import { type Libc, SYS_PIDFD_OPEN, SYS_PIDFD_SEND_SIGNAL } from './libc.ts';

/** How what other servers launched is found and signaled, by a server that has these marks itself. */
export function markingOf(libc: Libc, marks: KinMarks): Marking {
  return {
    range: marks.range,
    of: (pid) => softLimitOf(libc, pid),
    signal: (pid, signal, isMeant) => signalIf(libc, pid, signal, isMeant),
  };
}

/** Through a descriptor of the process, which goes on to mean it whoever has its number then. */
export function signalIf(
  libc: Libc,
  pid: number,
  signal: number,
  isMeant: () => boolean,
): Delivery {
  const fd = libc.syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0);
  if (fd < 0) {
    if (libc.errno() === constants.errno.ESRCH) return 'gone';
    // Linux before 5.3, or no descriptor is left: nothing happens between the look and the signal.
    return isMeant() ? signalProcess(pid, signal) : 'gone';
  }
  try {
    if (!isMeant()) return 'gone';
    if (libc.syscall(SYS_PIDFD_SEND_SIGNAL, fd, signal, 0, 0) === 0) return 'sent';
    return libc.errno() === constants.errno.EPERM ? 'denied' : 'gone';
  } finally {
    closeSync(fd);
  }
}
