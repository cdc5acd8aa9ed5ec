import { RunletError } from '../../../errors.ts';
import type { FileMethods, FileServiceOptions } from './file-calls.ts';

/** `WriteFile`, `GetUpload` and `AbortUpload`. */
export function writeFile(
  _options: FileServiceOptions,
): FileMethods<'writeFile' | 'getUpload' | 'abortUpload'> {
  const missing = (): never => {
    throw new RunletError('INTERNAL');
  };
  return { writeFile: missing, getUpload: missing, abortUpload: missing };
}
