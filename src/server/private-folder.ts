import { lstat, mkdir } from 'node:fs/promises';

/**
 * Makes a folder that only this user can use, or checks that the one that is
 * there is such a folder: in a place that others can write to, somebody else may
 * have made it first.
 *
 * @throws Error that says what is wrong with it
 */
export async function ensurePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  if (!found.isDirectory()) throw new Error(`${path} is not a folder`);
  if (found.uid !== process.getuid?.()) throw new Error(`${path} belongs to another user`);
  if ((found.mode & 0o077) !== 0) throw new Error(`${path} can be used by other users`);
}
