import { errnoNameOf } from '../../errno-name.ts';
import { PR_SET_CHILD_SUBREAPER } from '../../process/native/libc.ts';
import type { Check } from '../check.ts';
import { allowCalls, MEND_NATIVE } from '../remedies.ts';

/** What is not done where descendants are not told apart. */
export const NOT_FOUND =
  'What a process leaves that is in a session of its own, and whose parent ended, is not found and not ended with it: `tree_tracking` is `TREE_TRACKING_PARENTS`.';

export const subreaper: Check<'native' | 'refused'> = {
  name: 'subreaper',
  about: 'whether the server becomes the parent of orphans of what it runs, prctl(2)',
  required: false,
  elsewhere: 'native',
  problems: {
    native: { consequence: NOT_FOUND, remedy: MEND_NATIVE },
    refused: {
      consequence: NOT_FOUND,
      remedy: allowCalls('prctl(PR_SET_CHILD_SUBREAPER)', 'Linux 3.4'),
    },
  },
  look({ native }) {
    if (!('libc' in native)) return { detail: 'it could not be tried', problem: 'native' };
    const { libc } = native;
    // As the launcher does; this program has no descendants but what it tries here.
    if (libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) === 0) {
      return { detail: 'orphans become children of the server' };
    }
    return {
      detail: `prctl(PR_SET_CHILD_SUBREAPER) failed: ${errnoNameOf(libc.errno())}`,
      problem: 'refused',
    };
  },
};
