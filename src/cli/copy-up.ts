import { randomUUID } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pathOfText } from '../system-text.ts';
import { type CopyTask, counted, folderError, makeParents, STANDARD_STREAM } from './copy-task.ts';
import { namingFile } from './file-words.ts';
import { intoFolder } from './into-folder.ts';
import { systemText } from './own-bytes.ts';
import { parentOf, pathBelow } from './remote-path.ts';
import { standardInput } from './standard-input.ts';

/** Copies a file or folder of this machine, or what comes on standard input, to the server. */
export async function copyUp(source: string, target: string, task: CopyTask): Promise<void> {
  const { files, onProgress, parents, recursive, signal } = task;
  if (source === STANDARD_STREAM) return writeStream(standardInput(), target, task);
  const local = pathOfText(source);
  // As cp(1): what a link leads to is copied, but where links are copied as such.
  const found = await namingFile('copy', source, recursive ? lstat(local) : stat(local));
  if (found.isDirectory() && !recursive) throw folderError(source);
  const whole = await intoFolder(files, source, target);
  if (isStream(found)) {
    const stream: Readable = createReadStream(local);
    return writeStream(stream, whole, task);
  }
  if (parents) await makeParents(whole, task);
  if (found.isSymbolicLink()) {
    return namingFile('copy', source, sendLink(local, found.mtimeMs, whole, task));
  }
  const how = { onProgress, signal };
  const sending = files.upload(systemText(source), systemText(whole), how);
  await namingFile('copy', source, sending);
}

/** Copies a link as one, which takes the place of what is there. */
async function sendLink(
  source: string | Buffer,
  modifyTimeMs: number,
  target: string,
  { files, signal }: CopyTask,
): Promise<void> {
  const leadsTo = await readlink(source, { encoding: 'buffer' });
  const made = systemText(pathBelow(parentOf(target), `.runlet-${randomUUID()}`));
  const how = { followLinks: false, signal };
  await files.symlink(made, leadsTo, { signal });
  try {
    await files.setAttributes(made, { modifyTime: new Date(modifyTimeMs) }, how);
    await files.move(made, systemText(target), { replace: true, signal });
  } catch (error) {
    await files.remove(made, { missingOk: true }).catch(() => {});
    throw error;
  }
}

/** Whether it is read as a stream, which may be of a process: `<(command)` in a shell. */
function isStream(found: Stats): boolean {
  return found.isFIFO() || found.isCharacterDevice();
}

async function writeStream(
  stream: AsyncIterable<Uint8Array>,
  target: string,
  task: CopyTask,
): Promise<void> {
  const { files, parents, signal } = task;
  const writing = files.write(systemText(target), counted(stream, task), { parents, signal });
  await namingFile('write', target, writing);
}
