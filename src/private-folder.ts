import type { Stats } from 'node:fs';
import { lstat, mkdir } from 'node:fs/promises';

/**
 * Makes a folder that only this user can use, or checks that the one that is
 * there is such a folder: in a place that others can write to, somebody else may
 * have made it first.
 *
 * @throws Error that says what is wrong with it
 */
export async function ensurePrivateFolder(path: string): Promise<void> {
  const { mode } = await ensureFolderOfThisUser(path);
  if ((mode & 0o077) !== 0) throw new Error(`${path} can be used by other users`);
}

/**
 * The same for a folder that others may look into, since all that is made in it
 * is private by itself: service managers like to make such a folder with mode 0755.
 *
 * @throws Error that says what is wrong with it
 */
export async function ensureUnsharedFolder(path: string): Promise<void> {
  const { mode } = await ensureFolderOfThisUser(path);
  if ((mode & 0o022) !== 0) throw new Error(`${path} can be written to by other users`);
}

async function ensureFolderOfThisUser(path: string): Promise<Stats> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  if (!found.isDirectory()) throw new Error(`${path} is not a folder`);
  if (found.uid !== process.getuid?.()) throw new Error(`${path} belongs to another user`);
  return found;
}
