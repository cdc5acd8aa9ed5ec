import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);

/**
 * Mounts a small file system for the rest of the test, of a size as mount(8) has it,
 * and tells why if it cannot.
 */
export async function mountSmall(folder: string, size: string): Promise<string | undefined> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', folder]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  onTestFinished(async () => {
    await run('umount', [folder]);
  });
  return undefined;
}
