import { OTHER_PROCESSES } from '../../limits.ts';
import { type Bound, processBound } from '../../machine/bounds.ts';
import type { Check, Outcome } from '../check.ts';

type Problem = 'cgroup' | 'kernel' | 'user';

/** Whether there can be as many processes as a server may have. */
export function judgeProcessCount(
  bound: Bound | undefined,
  maxProcesses: number,
): Outcome<Problem> {
  if (bound === undefined) return { detail: 'no bound of processes is told' };
  const { by, most, where } = bound;
  const detail = `at most ${most} processes and threads at one time (${where}), and the server may start ${maxProcesses}`;
  const wanted = maxProcesses + OTHER_PROCESSES;
  if (most >= wanted || by === 'machine') return { detail };
  const possible = Math.max(1, most - OTHER_PROCESSES);
  return { detail, problem: by, values: { possible, wanted, where } };
}

const FAILING =
  'When some {possible} processes run, those that they start included, starts begin to fail: EAGAIN.';

export const processCount: Check<Problem> = {
  name: 'process-count',
  about: 'how many processes there can be at one time, against `--max-processes`',
  required: false,
  elsewhere: 'kernel',
  problems: {
    user: {
      consequence: FAILING,
      remedy:
        'Raise the limit of the user: `LimitNPROC={wanted}` in a unit, `ulimit -u {wanted}` before the command. Or serve with `--max-processes {possible}`.',
    },
    cgroup: {
      consequence: FAILING,
      remedy:
        'Raise {where}: `TasksMax={wanted}` in a unit, `--pids-limit {wanted}` for a container, `podPidsLimit` of a kubelet. Or serve with `--max-processes {possible}`.',
    },
    kernel: {
      consequence: FAILING,
      remedy:
        'Raise {where} with `sysctl -w`, to {wanted} or more. Or serve with `--max-processes {possible}`.',
    },
  },
  look: ({ read, uid, wanted }) => judgeProcessCount(processBound(read, uid), wanted.maxProcesses),
};
