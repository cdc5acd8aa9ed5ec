import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { lutimes, mkdir, rename, stat, symlink, unlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { FileInfo } from '../client/index.ts';
import { pathOfText } from '../system-text.ts';
import { type CopyTask, counted, folderError, STANDARD_STREAM } from './copy-task.ts';
import { namingFile } from './file-words.ts';
import { systemText } from './own-bytes.ts';
import { printFile } from './print-file.ts';
import { lastName, parentOf, pathBelow } from './remote-path.ts';

/** Copies a file or folder of the server to this machine, or to standard output. */
export async function copyDown(source: string, target: string, task: CopyTask): Promise<void> {
  const { files, onProgress, recursive, signal } = task;
  const looking = files.stat(systemText(source), { followLinks: !recursive, signal });
  const file = await namingFile('copy', source, looking);
  if (file.kind === 'directory' && (!recursive || target === STANDARD_STREAM)) {
    throw folderError(source);
  }
  if (target === STANDARD_STREAM) return printFile(files, source, source, signal);
  const place = await placeOf(source, target);
  if (place.isStream) {
    const reading = files.read(systemText(source), { signal });
    const writing = pipeline(counted(reading, task), createWriteStream(pathOfText(place.path)));
    return namingFile('copy', source, writing);
  }
  if (task.parents) {
    const parent = parentOf(place.path);
    await namingFile('make folder', parent, mkdir(pathOfText(parent), { recursive: true }));
  }
  if (file.kind === 'symlink') return namingFile('copy', source, makeLink(file, place.path));
  const how = { onProgress, signal };
  const fetching = files.download(systemText(source), systemText(place.path), how);
  await namingFile('copy', source, fetching);
}

/** Copies a link as one, which takes the place of what is there. */
async function makeLink(file: FileInfo, target: string): Promise<void> {
  const made = pathOfText(pathBelow(parentOf(target), `.runlet-${randomUUID()}`));
  await symlink(Buffer.from(file.rawLinkTarget ?? file.linkTarget ?? ''), made);
  try {
    await lutimes(made, file.modifyTime, file.modifyTime);
    await rename(made, pathOfText(target));
  } catch (error) {
    await unlink(made).catch(() => {});
    throw error;
  }
}

/** Where something gets to here: a folder that is there takes it under its own name. */
async function placeOf(
  source: string,
  target: string,
): Promise<{ readonly path: string; readonly isStream: boolean }> {
  const found = await stat(pathOfText(target)).catch((error: NodeJS.ErrnoException) => {
    // What else is wrong with it is told by whoever writes to it.
    if (error.code === undefined) throw error;
    return undefined;
  });
  const name = lastName(source);
  if (found?.isDirectory() && name !== '.') {
    return { path: pathBelow(target, name), isStream: false };
  }
  // Written to as it is: what would be put in its place were another file.
  const isStream = found !== undefined && !found.isDirectory() && !found.isFile();
  return { path: target, isStream };
}
