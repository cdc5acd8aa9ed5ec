import type { Check } from '../check.ts';
import { allowCalls, MEND_NATIVE } from '../remedies.ts';

const STAYS_OPEN =
  'A child that hangs before it becomes its program, on a file system that does not answer, has what the server had open: its port stays taken when the server has ended.';

export const closeRange: Check<'missing' | 'native'> = {
  name: 'close-range',
  about: 'whether a child can close all that it does not need at once, close_range(2)',
  required: false,
  elsewhere: 'native',
  problems: {
    native: { consequence: STAYS_OPEN, remedy: MEND_NATIVE },
    missing: {
      consequence: STAYS_OPEN,
      remedy: allowCalls('close_range(2)', 'Linux 5.9 with glibc 2.34'),
    },
  },
  look({ native }) {
    if (!('libc' in native)) return { detail: 'it could not be tried', problem: 'native' };
    return native.libc.fileActionsAddClosefrom === undefined
      ? { detail: 'the system or its C library cannot do that', problem: 'missing' }
      : { detail: 'a child has nothing of the server open' };
  },
};
