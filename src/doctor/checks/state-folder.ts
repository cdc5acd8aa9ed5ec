import type { Check, Outcome } from '../check.ts';
import {
  type FolderProblem,
  folderProblems,
  judgeFolder,
  type WantedFolder,
} from '../folder-problems.ts';

/** What is written into it. */
export interface StateFolderUse {
  /** Whether somebody asked for it, or it is the default. */
  readonly isAsked: boolean;
  /** Whether output goes into it. */
  readonly keepsOutput: boolean;
}

/** Others may look into it, since all that is made in it is private. */
const WRITABLE_FOR_OTHERS = 0o022;

/** Problems of the default folder for which a server does without. */
const DONE_WITHOUT: ReadonlySet<FolderProblem> = new Set(['kind', 'owner', 'shared']);

type Problem = FolderProblem | 'memory' | 'record';

/** Whether a server can keep its state; and if not, whether it starts nevertheless. */
export function judgeStateFolder(
  folder: Omit<WantedFolder, 'forbidden'>,
  { isAsked, keepsOutput }: StateFolderUse,
): Outcome<Problem> {
  const outcome = judgeFolder({ ...folder, forbidden: WRITABLE_FOR_OTHERS });
  const { detail } = outcome;
  if (!('problem' in outcome)) return { detail, required: keepsOutput };
  const { path } = folder;
  if (!keepsOutput) return { detail, problem: 'record', required: false, values: { path } };
  // The default one is not used where it cannot be made, or is not this user's alone.
  const isMissing = folder.facts !== undefined && folder.facts.found === undefined;
  if (!isAsked && (isMissing || DONE_WITHOUT.has(outcome.problem))) {
    return { detail, problem: 'memory', required: false, values: { path } };
  }
  return outcome;
}

const NOT_FOUND = 'What a killed server leaves is not ended by the next one.';

export const stateFolder: Check<Problem> = {
  name: 'state-folder',
  about: 'the folder of `--state-dir`, in which output and the records of servers are',
  required: true,
  problems: {
    ...folderProblems(
      '`runlet serve` does not start.',
      'name another folder with `--state-dir`',
      '0700',
    ),
    memory: {
      consequence: `Output is kept in memory alone: what is beyond \`--output-memory\` is dropped. ${NOT_FOUND}`,
      remedy:
        "Name a folder that is the user's of the server alone with `--state-dir`, or have {path} be one.",
    },
    record: {
      consequence: NOT_FOUND,
      remedy:
        "Name a folder that is the user's of the server alone with `--state-dir`, or have {path} be one.",
    },
  },
  look: async ({ lookAtFolder, uid, wanted }) => {
    const path = wanted.stateFolder;
    return judgeStateFolder(
      { path, uid, facts: await lookAtFolder(path) },
      { isAsked: wanted.isStateFolderAsked, keepsOutput: wanted.outputDiskBytes > 0 },
    );
  },
};
