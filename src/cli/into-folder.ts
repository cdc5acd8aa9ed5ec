import { FileError } from '../client/index.ts';
import type { Files } from './each-file.ts';
import { systemText } from './own-bytes.ts';
import { lastName, pathBelow } from './remote-path.ts';

/**
 * Where on the server something gets to that is copied or moved: a folder that is there takes it
 * under its own name. What has none, as `.` or `/`, is taken for the content of a folder.
 */
export async function intoFolder(files: Files, source: string, target: string): Promise<string> {
  const name = lastName(source);
  if (name === '.' || !(await isFolder(files, target))) return target;
  return pathBelow(target, name);
}

/** Whether a folder of the server is there, or a link to one. What cannot be looked at is none. */
async function isFolder(files: Files, path: string): Promise<boolean> {
  try {
    return (await files.stat(systemText(path))).kind === 'directory';
  } catch (error) {
    // Whoever writes to it is told why.
    if (error instanceof FileError) return false;
    throw error;
  }
}
