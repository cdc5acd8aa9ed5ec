import { constants, lstatSync, mkdirSync, openSync, type Stats } from 'node:fs';
import { lstat, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder that only this user can use, or checks that the one that is
 * there is such a folder: in a place that others can write to, somebody else may
 * have made it first.
 *
 * @throws Error that says what is wrong with it
 */
export async function ensurePrivateFolder(path: string): Promise<void> {
  await makeFolder(path);
  await assertPrivateFolder(path);
}

/**
 * Checks that a folder which is there is one that only this user can use; what is in it could
 * be anybody's otherwise.
 *
 * @throws Error that says what is wrong with it
 */
export async function assertPrivateFolder(path: string): Promise<void> {
  assertPrivate(path, await lstat(path));
}

/** The same, for who cannot wait for it. */
export function assertPrivateFolderSync(path: string): void {
  assertPrivate(path, lstatSync(path));
}

function assertPrivate(path: string, found: Stats): void {
  assertFolderOfThisUser(path, found);
  if ((found.mode & 0o077) !== 0) throw new Error(`${path} can be used by other users`);
}

/**
 * The same for a folder that others may look into, since all that is made in it
 * is private by itself: service managers like to make such a folder with mode 0755.
 *
 * @throws Error that says what is wrong with it
 */
export async function ensureUnsharedFolder(path: string): Promise<void> {
  await makeFolder(path);
  await assertUnsharedFolder(path);
}

/**
 * Checks that a folder which is there is one that only this user can write to.
 *
 * @throws Error that says what is wrong with it
 */
export async function assertUnsharedFolder(path: string): Promise<void> {
  const found = await lstat(path);
  assertFolderOfThisUser(path, found);
  if ((found.mode & 0o022) !== 0) throw new Error(`${path} can be written to by other users`);
}

/**
 * Checks that a folder, which others may use, is one of this user or of root, and so is the
 * symbolic link that it may be: whoever else has it could put something else in the place of what is
 * made in it.
 *
 * @throws Error that says what is wrong with it
 */
export async function assertTrustedFolder(path: string): Promise<void> {
  for (const { uid } of [await lstat(path), await stat(path)]) {
    if (uid !== 0 && uid !== process.getuid?.()) throw new Error(`${path} belongs to another user`);
  }
}

/**
 * Opens a file to write after its end, made with mode 0600 if it is missing. Returns its descriptor.
 *
 * @throws Error if it cannot be opened, or is a symbolic link: what that leads to is not ours
 */
export function openPrivateLog(path: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  try {
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
    throw new Error(`${path} is a symbolic link`);
  }
}

function assertFolderOfThisUser(path: string, found: Stats): void {
  if (!found.isDirectory()) throw new Error(`${path} is not a folder`);
  if (found.uid !== process.getuid?.()) throw new Error(`${path} belongs to another user`);
}

/**
 * Makes a folder with mode 0700, and those above it, unless it is there. Not by `recursive` of
 * Node.js, which tries for ever where a folder that is there lets nobody make one in it by
 * saying ENOENT, as /proc does.
 */
export async function makeFolder(path: string): Promise<void> {
  if (await madeOrThere(path)) return;
  const above = dirname(path);
  // The working directory, written as a dot, may have been removed.
  if (above !== path) await makeFolder(above);
  if (!(await madeOrThere(path))) throw new Error(`${path} cannot be made (ENOENT)`);
}

/** The same, for who cannot wait for it, but for what is above the folder above. */
export function makeFolderSync(path: string): void {
  for (const folder of [dirname(path), path]) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Whether there is something at a path now; if not, what is above it is missing. */
async function madeOrThere(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code === 'EEXIST') return true;
    throw error;
  }
}
