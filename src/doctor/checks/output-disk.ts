import { sizeText } from '../../quantities.ts';
import { MIB } from '../../units.ts';
import type { Check, Outcome } from '../check.ts';
import type { FolderFacts } from '../folder-facts.ts';

type Problem = 'little' | 'silent';

/** The part of what is free that output may take, so that others have some. */
const PART = 0.8;

/** Whether there is as much disk as retained output may take. */
export function judgeOutputDisk(
  facts: FolderFacts | undefined,
  outputDiskBytes: number,
): Outcome<Problem> {
  if (outputDiskBytes === 0) return { detail: 'no output goes to files' };
  if (facts === undefined) return { detail: 'its file system does not answer', problem: 'silent' };
  const { nearest, space } = facts;
  if (space === undefined) return { detail: `how much is free at ${nearest} is not told` };
  const { freeBytes } = space;
  const wanted = sizeText(outputDiskBytes);
  const detail = `${sizeText(freeBytes)} are free at ${nearest}, and output may take ${wanted}`;
  if (freeBytes >= outputDiskBytes) return { detail };
  const mib = Math.floor((freeBytes * PART) / MIB);
  const possible = mib === 0 ? '0' : `${mib}MiB`;
  return { detail, problem: 'little', values: { nearest, possible, wanted } };
}

export const outputDisk: Check<Problem> = {
  name: 'output-disk',
  about: 'how much is free where `--state-dir` is, against `--output-disk`',
  required: false,
  problems: {
    silent: {
      consequence: 'Output cannot be written to files, and the server is not ready for new work.',
      remedy: 'Mend `state-folder` first.',
    },
    little: {
      consequence:
        'When the disk is full, output is kept in memory as far as that reaches and older output is dropped; the server is not ready for new work until there is room.',
      remedy:
        'Make room where {nearest} is, {wanted} in all; or serve with `--output-disk {possible}`, or with `--state-dir` on a larger disk.',
    },
  },
  look: async ({ lookAtFolder, wanted }) =>
    judgeOutputDisk(await lookAtFolder(wanted.stateFolder), wanted.outputDiskBytes),
};
