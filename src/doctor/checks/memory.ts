import { OTHER_MEMORY_BYTES } from '../../limits.ts';
import { type Bound, memoryBound } from '../../machine/bounds.ts';
import { LAG_FACTOR } from '../../output/sizes.ts';
import { sizeText } from '../../quantities.ts';
import { MIB } from '../../units.ts';
import type { Check, Outcome } from '../check.ts';

type Problem = 'little' | 'tiny';

/** Whether there is as much memory as retained output and the server itself may take. */
export function judgeMemory(bound: Bound | undefined, outputMemoryBytes: number): Outcome<Problem> {
  if (bound === undefined) return { detail: 'how much memory there is is not told' };
  const { by, most, where } = bound;
  const wanted = outputMemoryBytes * LAG_FACTOR + OTHER_MEMORY_BYTES;
  const shared = by === 'cgroup' ? `, for what the server starts too (${where})` : '';
  const detail = `there are ${sizeText(most)}${shared}, and the server may take ${sizeText(wanted)} of it`;
  if (most >= wanted) return { detail };
  const possible = Math.floor((most - OTHER_MEMORY_BYTES) / LAG_FACTOR / MIB);
  const values = { wanted: `${Math.ceil(wanted / MIB)}M`, possible: `${possible}MiB` };
  return { detail, problem: possible > 0 ? 'little' : 'tiny', values };
}

const KILLED =
  'The kernel may kill the server, or what it runs, when much output is kept or many calls are under way. What a killed server leaves is ended by the next one; its sessions are gone.';

export const memory: Check<Problem> = {
  name: 'memory',
  about: 'how much memory there is, for a cgroup or the machine, against `--output-memory`',
  required: false,
  problems: {
    little: {
      consequence: KILLED,
      remedy:
        'Give it more: `MemoryMax={wanted}` in a unit, `--memory {wanted}` for a container, and what processes need beside that. Or serve with `--output-memory {possible}`.',
    },
    tiny: {
      consequence: KILLED,
      remedy:
        'Give it more: `MemoryMax={wanted}` in a unit, `--memory {wanted}` for a container, and what processes need beside that.',
    },
  },
  look: ({ read, wanted }) => judgeMemory(memoryBound(read), wanted.outputMemoryBytes),
};
