import { RunletError } from '../../../errors.ts';
import type { FileMethods, FileServiceOptions } from './file-calls.ts';

/** `ReadFile`. */
export function readFile(_options: FileServiceOptions): FileMethods<'readFile'> {
  const missing = (): never => {
    throw new RunletError('INTERNAL');
  };
  return { readFile: missing };
}
