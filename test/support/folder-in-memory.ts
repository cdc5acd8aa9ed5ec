import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './harness.ts';

const run = promisify(execFile);

/**
 * A folder in memory that is removed when the test is over, where there is one with room for so
 * many bytes: of disks some make a file in milliseconds.
 */
export async function folderInMemory(bytes = 2 ** 20): Promise<string> {
  if (!existsSync('/dev/shm')) return temporaryFolder();
  const { bavail, bsize } = await statfs('/dev/shm');
  if (bavail * bsize < bytes) return temporaryFolder();
  const folder = await mkdtemp('/dev/shm/runlet-test-');
  // It takes a fraction of the time of what Node.js has for that.
  onTestFinished(async () => void (await run('rm', ['-rf', folder])));
  return folder;
}
