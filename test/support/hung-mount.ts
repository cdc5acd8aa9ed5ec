import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);

const PROGRAM = fileURLToPath(new URL('./hung-mount.py', import.meta.url));

/**
 * Mounts a file system on a folder that answers nothing for the rest of the test, not even
 * to be given up, and tells why if it cannot: that takes root, python3 and /dev/fuse.
 */
export async function mountHung(folder: string): Promise<string | undefined> {
  const child = spawn('python3', [PROGRAM, folder], { stdio: ['pipe', 'pipe', 'pipe'] });
  let problem = '';
  child.stderr.on('data', (data: Buffer) => {
    problem += data.toString();
  });
  const failed = once(child, 'error').then(([error]: Error[]) => String(error));
  const ended = once(child, 'close').then(() => problem);
  const why = await Promise.race([once(child.stdout, 'data').then(() => undefined), ended, failed]);
  if (why !== undefined) return why;
  onTestFinished(async () => {
    child.stdin.end();
    await ended;
    await run('umount', ['--lazy', folder]);
  });
  return undefined;
}
