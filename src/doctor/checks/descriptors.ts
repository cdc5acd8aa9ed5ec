import { DEFAULT_LIMITS, OTHER_DESCRIPTORS, PROCESS_DESCRIPTORS } from '../../limits.ts';
import type { OpenFileLimits } from '../../machine/bounds.ts';
import { openFileLimits } from '../../machine/bounds.ts';
import { type Libc, RLIM_INFINITY, RLIMIT_NOFILE, RLIMIT_SIZE } from '../../process/native/libc.ts';
import type { Check, Outcome } from '../check.ts';

type Problem = 'few';

/** What connections and all else may take. */
const OTHERS = DEFAULT_LIMITS.maxConnections + OTHER_DESCRIPTORS;

/** Whether as many files can be open as processes and connections take. */
export function judgeDescriptors(
  limits: OpenFileLimits | undefined,
  maxProcesses: number,
  softAtStart: number | undefined,
): Outcome<Problem> {
  if (limits === undefined) return { detail: 'how many files may be open is not told' };
  const { hard } = limits;
  const wanted = maxProcesses * PROCESS_DESCRIPTORS + OTHERS;
  const started =
    softAtStart === undefined ? '' : `; processes are started with a soft limit of ${softAtStart}`;
  const detail = `at most ${hard} files may be open, and ${maxProcesses} processes with all connections take ${wanted}${started}`;
  // Where there are few, connections have no more than half.
  const forProcesses = hard - Math.min(OTHERS, Math.floor(hard / 2));
  if (maxProcesses * PROCESS_DESCRIPTORS <= forProcesses) return { detail };
  const possible = Math.max(1, Math.floor(forProcesses / PROCESS_DESCRIPTORS));
  return { detail, problem: 'few', values: { possible, wanted } };
}

export const descriptors: Check<Problem> = {
  name: 'descriptors',
  about: 'how many files may be open, `RLIMIT_NOFILE`, against what `--max-processes` takes',
  required: false,
  problems: {
    few: {
      consequence:
        'When some {possible} processes run, starts and connections begin to fail: EMFILE.',
      remedy:
        'Raise the hard limit: `LimitNOFILE={wanted}` in a unit, `ulimit -Hn {wanted}` as root before the command, `--ulimit nofile={wanted}` for a container. Or serve with `--max-processes {possible}`.',
    },
  },
  look: ({ native, read, startedWith, wanted }) =>
    judgeDescriptors(
      'libc' in native ? limitsBy(native.libc) : openFileLimits(read),
      wanted.maxProcesses,
      startedWith.openFiles,
    ),
};

/** As the C library tells them, also without proc(5). */
function limitsBy(libc: Libc): OpenFileLimits | undefined {
  const limit = Buffer.alloc(RLIMIT_SIZE);
  if (libc.prlimit(0, RLIMIT_NOFILE, null, limit) !== 0) return undefined;
  const [soft = 0, hard = 0] = [limit.readBigUInt64LE(0), limit.readBigUInt64LE(8)].map((value) =>
    value === RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(value),
  );
  return { soft, hard };
}
