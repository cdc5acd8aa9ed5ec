import { closeSync } from 'node:fs';
import { errnoNameOf } from '../../errno-name.ts';
import { type Libc, SYS_PIDFD_OPEN, SYS_PIDFD_SEND_SIGNAL } from '../../process/native/libc.ts';
import type { Check } from '../check.ts';
import { allowCalls, MEND_NATIVE } from '../remedies.ts';

const BY_NUMBER =
  'What a killed server left is signaled by the numbers of its processes. One may be given to another process in that very moment.';

export const pidfd: Check<'native' | 'refused'> = {
  name: 'pidfd',
  about: 'whether processes can be signaled by descriptors of them, pidfd_open(2)',
  required: false,
  elsewhere: 'native',
  problems: {
    native: { consequence: BY_NUMBER, remedy: MEND_NATIVE },
    refused: {
      consequence: BY_NUMBER,
      remedy: allowCalls('pidfd_open(2) and pidfd_send_signal(2)', 'Linux 5.3'),
    },
  },
  look({ native }) {
    if (!('libc' in native)) return { detail: 'it could not be tried', problem: 'native' };
    const failure = trySelf(native.libc);
    return failure === undefined
      ? { detail: 'a process is signaled by a descriptor of it' }
      : { detail: failure, problem: 'refused' };
  },
};

/** Sends this program the signal 0, which does nothing. */
function trySelf(libc: Libc): string | undefined {
  const fd = Number(libc.syscall(SYS_PIDFD_OPEN, process.pid, 0, 0, 0));
  if (fd < 0) return `pidfd_open failed: ${errnoNameOf(libc.errno())}`;
  try {
    if (Number(libc.syscall(SYS_PIDFD_SEND_SIGNAL, fd, 0, 0, 0)) === 0) return undefined;
    return `pidfd_send_signal failed: ${errnoNameOf(libc.errno())}`;
  } finally {
    closeSync(fd);
  }
}
