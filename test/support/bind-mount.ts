import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);

/**
 * Mounts a folder at another place, too, which is made, for the rest of the test; tells why if it
 * cannot.
 */
export async function bindMount(from: string, to: string): Promise<string | undefined> {
  await mkdir(to, { recursive: true });
  try {
    await run('mount', ['--bind', from, to]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  // Before the folder is removed that it is in: what is there is not to be.
  onTestFinished(async () => void (await run('umount', ['--lazy', to])));
  return undefined;
}
