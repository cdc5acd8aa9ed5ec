import type { SandboxFailureInfo, StartFailureInfo } from '../client/index.ts';

/** What an error of the system means where a program is looked for and executed. */
const OF_PROGRAM: Readonly<Record<string, string>> = {
  EACCES: 'it is a folder, or nobody may execute it',
  ENOENT: 'no such program',
  ENOEXEC: 'it is neither a program of this system nor a script with #!',
  ENOTDIR: 'a part of its path is no folder',
};

/** The same where the working directory is entered. */
const OF_FOLDER: Readonly<Record<string, string>> = {
  EACCES: 'no permission to enter it',
  ENOENT: 'no such folder',
  ENOTDIR: 'it is no folder',
};

/** Where a program is there and what it needs is not, the system says the same. */
const CREATED = 'the process could not be created: ENOENT';

/** Why a program could not be started, in words, with the system's name for it. */
export function startWords({ errnoName, message, stage }: StartFailureInfo): string {
  if (message === CREATED) return `what its first line names after #! is not there: ${errnoName}`;
  const words = stage === 'CWD' ? OF_FOLDER : OF_PROGRAM;
  const said = stage === 'CWD' || stage === 'PROGRAM' ? words[errnoName] : undefined;
  return said === undefined ? message : `${said}: ${errnoName}`;
}

/** Why a sandbox could not be made, in words, with the system's name for it. */
export function sandboxWords({ errnoName, message, step }: SandboxFailureInfo): string {
  const why =
    errnoName === '' || message.includes(errnoName) ? message : `${message}: ${errnoName}`;
  return `no sandbox can be made: ${step}: ${why}`;
}
