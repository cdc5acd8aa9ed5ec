import type { Check, Outcome } from '../check.ts';
import type { FolderFacts } from '../folder-facts.ts';

type Problem = 'missing' | 'silent' | 'unwritable';

/** Whether there can be temporary files. */
export function judgeTemporaryFolder(
  path: string,
  facts: FolderFacts | undefined,
): Outcome<Problem> {
  const values = { path };
  if (facts === undefined) return { detail: `${path} does not answer`, problem: 'silent', values };
  if (facts.errnoName !== undefined) {
    const detail = `${path} cannot be written to (${facts.errnoName})`;
    return { detail, problem: 'unwritable', values };
  }
  if (facts.found === undefined)
    return { detail: `${path} is not there`, problem: 'missing', values };
  return { detail: `${path} can be written to` };
}

const NONE =
  'Sandboxes cannot be tried, and so are refused. `runlet run` without a server does not start.';

export const temporaryFolder: Check<Problem> = {
  name: 'temporary-folder',
  about: 'the folder for temporary files, `$TMPDIR` or `/tmp`',
  required: false,
  problems: {
    silent: {
      consequence: NONE,
      remedy:
        'See why the file system of {path} does not answer, or set `TMPDIR` to another folder.',
    },
    missing: {
      consequence: NONE,
      remedy: 'Make it: `install -d -m 1777 {path}`. Or set `TMPDIR` to another folder.',
    },
    unwritable: {
      consequence: NONE,
      remedy:
        'Have it be writable: `chmod 1777 {path}`, a volume in a container (`--tmpfs /tmp`), `PrivateTmp=yes` in a unit. Or set `TMPDIR` to another folder.',
    },
  },
  look: async ({ lookAtFolder, temporaryFolder: path }) =>
    judgeTemporaryFolder(path, await lookAtFolder(path)),
};
