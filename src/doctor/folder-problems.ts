import type { Outcome, Problem } from './check.ts';
import type { FolderFacts } from './folder-facts.ts';

/** What can be wrong with a folder that a server makes, or has made. */
export type FolderProblem =
  | 'denied'
  | 'failed'
  | 'full'
  | 'kind'
  | 'owner'
  | 'read-only'
  | 'shared'
  | 'silent';

/** A folder that is wanted, and what was found there. */
export interface WantedFolder {
  readonly path: string;
  /** Undefined: its file system does not answer. */
  readonly facts: FolderFacts | undefined;
  /** As whom the server runs; undefined: the system has no such numbers. */
  readonly uid: number | undefined;
  /** Permission bits that it must not have. */
  readonly forbidden: number;
}

const ERRNO_PROBLEMS: Readonly<Record<string, FolderProblem>> = {
  EROFS: 'read-only',
  EACCES: 'denied',
  EPERM: 'denied',
  ENOSPC: 'full',
  EDQUOT: 'full',
};

/** Whether a server can use a folder, which is made where it is missing. */
export function judgeFolder({ facts, forbidden, path, uid }: WantedFolder): Outcome<FolderProblem> {
  if (facts === undefined) {
    return { detail: `${path} does not answer`, problem: 'silent', values: { path } };
  }
  const { errnoName, found, nearest } = facts;
  const values = { path, nearest, uid: uid ?? 0 };
  const mode = (found?.mode ?? 0).toString(8).padStart(4, '0');
  if (found?.isFolder === false) {
    return { detail: `${path} is not a folder`, problem: 'kind', values };
  }
  if (found !== undefined && uid !== undefined && found.uid !== uid) {
    const detail = `${path} belongs to the user ${found.uid}, and this is ${uid}`;
    return { detail, problem: 'owner', values };
  }
  if (found !== undefined && (found.mode & forbidden) !== 0) {
    return { detail: `${path} has mode ${mode}`, problem: 'shared', values };
  }
  const where = found === undefined ? `${path} is not there, and ${nearest}` : path;
  if (errnoName !== undefined) {
    const detail = `${where} cannot be written to (${errnoName})`;
    return { detail, problem: ERRNO_PROBLEMS[errnoName] ?? 'failed', values };
  }
  if (found === undefined) return { detail: `${path} is not there, and can be made in ${nearest}` };
  return { detail: `${path}, mode ${mode}, can be written to` };
}

/**
 * What is said of these problems.
 *
 * @param elsewhere how another folder is named: "name another with `--state-dir`"
 * @param mode what chmod(1) is told for the mode that it should have
 */
export function folderProblems(
  consequence: string,
  elsewhere: string,
  mode: string,
): Readonly<Record<FolderProblem, Problem>> {
  const problem = (remedy: string): Problem => ({ consequence, remedy });
  return {
    silent: problem(
      `See why the file system of {path} does not answer: a mount whose server is gone can be taken away with \`umount --lazy\`. Or ${elsewhere}.`,
    ),
    kind: problem(`Move what is at {path} away: a link is no folder either. Or ${elsewhere}.`),
    owner: problem(`Give it to the user of the server: \`chown {uid} {path}\`. Or ${elsewhere}.`),
    shared: problem(`Keep others out of it: \`chmod ${mode} {path}\`. Or ${elsewhere}.`),
    'read-only': problem(
      `Have {nearest} be mounted to be written to: \`ReadWritePaths={nearest}\` in a unit, a volume in a container, \`mount -o remount,rw\` elsewhere. Or ${elsewhere}.`,
    ),
    denied: problem(
      `Let the user of the server write to {nearest}: make {path} for it, as root, with \`install -d -m 0700 -o {uid} {path}\`. Or ${elsewhere}.`,
    ),
    full: problem(`Make room where {nearest} is. Or ${elsewhere}.`),
    failed: problem(`See what the error says of {nearest}. Or ${elsewhere}.`),
  };
}
