import { randomUUID } from 'node:crypto';
import { lstat, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OptionError, RunletClientError } from '../../client-error.ts';
import type { SystemText } from '../../process-spec.ts';
import { systemText } from '../../system-text.ts';

/*
 * Paths of this machine, as the bytes that they are to the system. While they are put together
 * they are texts of which each character is a byte (`latin1`), as those of tar archives.
 */

/** A path or a name whose characters are its bytes. */
export type ByteText = string;

/**
 * The absolute path of a local file.
 *
 * @throws OptionError it is no path
 */
export function localPath(given: SystemText): ByteText {
  const checked = systemText('localPath', given);
  const bytes = typeof checked === 'string' ? Buffer.from(checked) : Buffer.from(checked);
  if (bytes.length === 0 || bytes.includes(0)) {
    throw new OptionError('localPath', 'localPath must be a path of this machine');
  }
  // Of the folder of this program nothing but the text is known.
  const cwd = bytes[0] === 0x2f ? '/' : Buffer.from(process.cwd()).toString('latin1');
  return resolve(cwd, bytes.toString('latin1'));
}

/** A path for the functions of Node.js. */
export function bytesOf(path: ByteText): Buffer {
  return Buffer.from(path, 'latin1');
}

/** A path for people. */
function shown(path: ByteText): string {
  return bytesOf(path).toString();
}

/** A path below a folder. */
export function below(folder: ByteText, name: ByteText): ByteText {
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}

/** The folder that something is in. */
export function folderOf(path: ByteText): ByteText {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** A new path in a folder, which nobody can guess. */
export function temporaryIn(folder: ByteText): ByteText {
  return below(folder, `.runlet-${randomUUID()}`);
}

/** What is at a path, and where that is: links are followed, but for one that leads nowhere. */
export async function targetAt(
  path: ByteText,
): Promise<{ readonly path: ByteText; readonly kind: 'none' | 'file' | 'folder' | 'other' }> {
  const stats = await lstatOf(path);
  if (stats === undefined) return { path, kind: 'none' };
  if (stats.isDirectory()) return { path, kind: 'folder' };
  if (stats.isFile()) return { path, kind: 'file' };
  if (!stats.isSymbolicLink()) return { path, kind: 'other' };
  try {
    const real = await realpath(bytesOf(path), { encoding: 'buffer' });
    return await targetAt(real.toString('latin1'));
  } catch (error) {
    if (!isMissing(error)) throw error;
    return { path, kind: 'file' };
  }
}

/** What is at a path, which is not followed; undefined: nothing. */
export async function lstatOf(
  path: ByteText,
): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  try {
    return await lstat(bytesOf(path));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** What is not as it has to be on this machine. */
export function unfit(path: ByteText, what: string): RunletClientError {
  return new RunletClientError('LOCAL_FILE_UNFIT', `${shown(path)} ${what}`);
}

/** What is no longer what it was. */
export function changed(path: ByteText): RunletClientError {
  const message = `${shown(path)} was changed while it was sent`;
  return new RunletClientError('LOCAL_FILE_CHANGED', message);
}
