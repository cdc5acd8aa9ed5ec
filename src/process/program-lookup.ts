import { access, constants, realpath, stat } from 'node:fs/promises';
import type { Environment } from '../environment/env-policy.ts';
import { MAX_PATH_FOLDERS, MAX_VARIABLE_BYTES } from '../limits.ts';
import type { PreparedSandbox } from '../sandbox/prepared-sandbox.ts';
import { pathOfText, textOfBytes } from '../system-text.ts';
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
 * Checks that a path is that of a program.
 *
 * @throws RunletError `START_FAILED`, stage `PROGRAM`
 */
export async function checkProgram(path: string): Promise<void> {
  const errno = await programError(path);
  if (errno !== undefined) throw programFailure(errno);
}

/**
 * Finds a program as execvp(3) does, but in the process's own PATH: a name with
 * a slash is a path from `cwd`, which is not looked at; another is looked up folder
 * by folder, one that is not executable being passed over and remembered for the error.
 *
 * @throws RunletError `START_FAILED`, stage `PROGRAM`
 */
export async function findProgram(name: string, cwd: string, env: Environment): Promise<string> {
  if (name.includes('/')) return pathFrom(cwd, name);
  let errno = 'ENOENT';
  for (const folder of searchedFolders(env)) {
    const program = `${pathFrom(cwd, folder)}/${name}`;
    const found = await programError(program);
    if (found === undefined) return program;
    if (found !== 'ENOENT' && found !== 'ENOTDIR') errno = found;
  }
  throw programFailure(errno);
}

/**
 * The same in a sandbox, whose folder `cwd` is of: what cannot be seen from inside is not there. A
 * path is looked at by nobody: whoever executes it is told.
 *
 * @throws RunletError `START_FAILED`, stage `PROGRAM`
 */
export async function findVisibleProgram(
  name: string,
  cwd: string,
  env: Environment,
  sandbox: Pick<PreparedSandbox, 'accessAt' | 'hasTemp'>,
): Promise<string> {
  if (name.includes('/')) return name;
  let errno = 'ENOENT';
  for (const folder of searchedFolders(env)) {
    const program = `${pathFrom(cwd, folder)}/${name}`;
    const real = await realPath(program);
    if (real === undefined || !isVisible(real, sandbox)) continue;
    const found = await programError(real);
    if (found === undefined) return program;
    if (found !== 'ENOENT' && found !== 'ENOTDIR') errno = found;
  }
  throw programFailure(errno);
}

/** Whether a path without links is the same inside as outside: what is private there is empty. */
function isVisible(
  path: string,
  { accessAt, hasTemp }: Pick<PreparedSandbox, 'accessAt' | 'hasTemp'>,
): boolean {
  return accessAt(path) !== 'none' && !(hasTemp && path.startsWith('/tmp/'));
}

async function realPath(path: string): Promise<string | undefined> {
  try {
    return textOfBytes(await realpath(pathOfText(path), { encoding: 'buffer' }));
  } catch {
    return undefined;
  }
}

/**
 * The folders in which a name without a slash is looked up, each once.
 *
 * @throws RunletError `START_FAILED`, stage `PROGRAM`
 */
export function searchedFolders(env: Environment): ReadonlySet<string> {
  const path = env.get('PATH') ?? SYSTEM_PATH;
  const folders = new Set(path.length > MAX_VARIABLE_BYTES ? [] : path.split(':'));
  if (folders.size === 0 || folders.size > MAX_PATH_FOLDERS) {
    throw startFailure('PROGRAM', 'E2BIG', 'PATH is too long: E2BIG');
  }
  return folders;
}

/**
 * A path as the system would follow it from a folder. Not normalized: `..` after
 * a symbolic link leads from where that points to.
 */
function pathFrom(cwd: string, path: string): string {
  if (path === '') return cwd;
  return path.startsWith('/') ? path : `${cwd}/${path}`;
}

function programFailure(errno: string): Error {
  const why = errno === 'ENOENT' ? 'no such program' : 'the program cannot be executed';
  return startFailure('PROGRAM', errno, `${why}: ${errno}`);
}

async function folderError(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(pathOfText(path))).isDirectory()) return 'ENOTDIR';
    await access(pathOfText(path), constants.X_OK);
    return undefined;
  } catch (error) {
    return errnoName(error);
  }
}

async function programError(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(pathOfText(path))).isFile()) return 'EACCES';
    await access(pathOfText(path), constants.X_OK);
    return undefined;
  } catch (error) {
    return errnoName(error);
  }
}
