import { RunletError } from '../../../errors.ts';
import type { FileMethods, FileServiceOptions } from './file-calls.ts';

/** `CopyFile`. */
export function copyFile(_options: FileServiceOptions): FileMethods<'copyFile'> {
  const missing = (): never => {
    throw new RunletError('INTERNAL');
  };
  return { copyFile: missing };
}
