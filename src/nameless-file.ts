import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The part of `O_TMPFILE` that is its own, on x86 and ARM. */
const TMPFILE = 0o20000000;

/** What open(2) fails with where a file system has no files without names, or a kernel does not. */
const WITHOUT: ReadonlySet<unknown> = new Set(['EOPNOTSUPP', 'EISDIR', 'EINVAL']);

/**
 * Makes a file in a folder to try that it can be written to. Of one without a name nothing is left,
 * however this program ends: open(2), `O_TMPFILE`.
 */
export async function openNameless(folder: string): Promise<FileHandle> {
  if (process.platform === 'linux') {
    const { O_DIRECTORY, O_WRONLY } = constants;
    try {
      return await open(folder, TMPFILE | O_DIRECTORY | O_WRONLY, 0o600);
    } catch (error) {
      // Not every file system has them.
      if (!(error instanceof Error && 'code' in error && WITHOUT.has(error.code))) throw error;
    }
  }
  const file = join(folder, `.writable-${randomUUID()}`);
  const handle = await open(file, 'wx', 0o600);
  await rm(file, { force: true });
  return handle;
}

/** As much as a file system gives at the least: so that a full disk is noticed. */
export const LEAST_BYTES = 4096;
