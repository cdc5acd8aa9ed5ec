import { access, close, constants, fstat, lstat, open, read, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { openAnew } from '../open-anew.ts';
import type { LineTarget } from './line-writer.ts';

/** Standard output, as something to write lines to. */
export function standardOutputTarget(): LineTarget {
  const anew = openAnew(1);
  if (anew === undefined) return { fd: 1, nonBlocking: false, torn: false, ours: false };
  return { fd: anew, nonBlocking: true, torn: false, ours: true };
}

/**
 * Opens a file to append lines to, and makes it where it is missing, for this user alone.
 *
 * @throws Error that says why it cannot be: it is no regular file, for one
 */
export async function openAuditFile(path: string): Promise<LineTarget> {
  // Before it is opened: to open a device can do something.
  const before = await promisify(lstat)(path).catch(() => undefined);
  if (before !== undefined) assertRegular(path, before);
  const { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;
  // Whether the last line has its end is read. Another may have put a FIFO there meanwhile.
  const flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
  const fd = await promisify(open)(path, flags, 0o600);
  try {
    const stats = await promisify(fstat)(fd);
    assertRegular(path, stats);
    return { fd, nonBlocking: false, torn: await endsWithinLine(fd, stats), ours: true };
  } catch (error) {
    close(fd, () => {});
    throw error;
  }
}

/**
 * Looks whether {@link openAuditFile} can open a file, and makes none.
 *
 * @throws Error that says why it cannot
 */
export async function assertAuditFile(path: string): Promise<void> {
  const found = await promisify(lstat)(path).catch(() => undefined);
  const { R_OK, W_OK, X_OK } = constants;
  if (found === undefined) return promisify(access)(dirname(path), W_OK | X_OK);
  assertRegular(path, found);
  await promisify(access)(path, R_OK | W_OK);
}

function assertRegular(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  throw new Error(`the audit is written to a regular file, and ${path} is ${kindOf(stats)}`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isFIFO()) return 'a FIFO';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/** Whether it was written to by somebody who could not end: on a disk that was full, for one. */
async function endsWithinLine(fd: number, { size }: Stats): Promise<boolean> {
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  await promisify(read)(fd, last, 0, 1, size - 1);
  return last.toString('latin1') !== '\n';
}
