import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Environment } from '../environment/env-policy.ts';
import { errnoName, startFailure } from './start-failure.ts';

/** Where programs are looked for if the environment has no PATH: confstr(_CS_PATH). */
const SYSTEM_PATH = '/bin:/usr/bin';

/**
 * Checks that a process can start in a folder.
 *
 * @throws RunletError `START_FAILED`, stage `CWD`
 */
export async function checkWorkingDirectory(cwd: string): Promise<void> {
  const errno = await folderError(cwd);
  if (errno !== undefined) {
    throw startFailure('CWD', errno, `cannot start in the working directory: ${errno}`);
  }
}

/**
 * Finds a program as execvp(3) does, but in the process's own PATH: a name with
 * a slash is a path from `cwd`; another is looked up folder by folder, one that
 * is not executable being passed over and remembered for the error.
 *
 * @throws RunletError `START_FAILED`, stage `PROGRAM`
 */
export async function findProgram(name: string, cwd: string, env: Environment): Promise<string> {
  const candidates = name.includes('/')
    ? [resolve(cwd, name)]
    : (env.get('PATH') ?? SYSTEM_PATH).split(':').map((folder) => resolve(cwd, folder, name));
  let errno = 'ENOENT';
  for (const candidate of candidates) {
    const found = await programError(candidate);
    if (found === undefined) return candidate;
    if (found !== 'ENOENT' && found !== 'ENOTDIR') errno = found;
  }
  const why = errno === 'ENOENT' ? 'no such program' : 'the program cannot be executed';
  throw startFailure('PROGRAM', errno, `${why}: ${errno}`);
}

async function folderError(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return 'ENOTDIR';
    await access(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return errnoName(error);
  }
}

async function programError(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return 'EACCES';
    await access(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return errnoName(error);
  }
}
