import { Places } from '../../files/agent/places.ts';
import type { Check } from '../check.ts';
import { allowCalls, MEND_NATIVE, MEND_PROC } from '../remedies.ts';

const WALKED = 'Paths below `--file-root` are followed name by name: as safe, and slower.';

export const files: Check<'native' | 'proc' | 'walk'> = {
  name: 'files',
  about: 'how the kernel keeps `FileService` within `--file-root`, openat2(2)',
  required: false,
  elsewhere: 'proc',
  problems: {
    proc: {
      consequence: 'There is no `FileService`: calls for files fail.',
      remedy: MEND_PROC,
    },
    native: { consequence: WALKED, remedy: MEND_NATIVE },
    walk: { consequence: WALKED, remedy: allowCalls('openat2(2)', 'Linux 5.6') },
  },
  look({ native, read }) {
    if (read('/proc/self/status') === undefined) {
      return {
        detail: 'files are reached by their descriptors, as /proc has them',
        problem: 'proc',
      };
    }
    const { confinement } = new Places([]);
    if (confinement === 'openat2') return { detail: 'paths are resolved by openat2' };
    const detail = 'there is no openat2: folders are walked by descriptors';
    return { detail, problem: 'libc' in native ? 'walk' : 'native' };
  },
};
