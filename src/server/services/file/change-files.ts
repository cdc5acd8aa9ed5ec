import { RunletError } from '../../../errors.ts';
import type { FileMethods, FileServiceOptions } from './file-calls.ts';

/** `CreateDirectory`, `RemoveFile`, `MoveFile`, `SetFileAttributes` and `CreateSymlink`. */
export function changeFiles(
  _options: FileServiceOptions,
): FileMethods<
  'createDirectory' | 'removeFile' | 'moveFile' | 'setFileAttributes' | 'createSymlink'
> {
  const missing = (): never => {
    throw new RunletError('INTERNAL');
  };
  return {
    createDirectory: missing,
    removeFile: missing,
    moveFile: missing,
    setFileAttributes: missing,
    createSymlink: missing,
  };
}
