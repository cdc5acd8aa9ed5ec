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
  const mounted = await hangFolder(folder);
  return typeof mounted === 'string' ? mounted : undefined;
}

/** Does so, and returns how it is ended before the test is. */
export async function hangFolder(folder: string): Promise<string | (() => Promise<void>)> {
  const child = spawn('python3', [PROGRAM, folder], { stdio: ['pipe', 'pipe', 'pipe'] });
  let problem = '';
  child.stderr.on('data', (data: Buffer) => {
    problem += data.toString();
  });
  const failed = once(child, 'error').then(([error]: Error[]) => String(error));
  const ended = once(child, 'close').then(() => problem);
  const why = await Promise.race([once(child.stdout, 'data').then(() => undefined), ended, failed]);
  if (why !== undefined) return why;
  let over: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    child.stdin.end();
    await ended;
    await run('umount', ['--lazy', folder]);
  };
  const endOnce = (): Promise<void> => {
    over ??= end();
    return over;
  };
  onTestFinished(endOnce);
  return endOnce;
}
