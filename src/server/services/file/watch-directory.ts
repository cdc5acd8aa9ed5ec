import { RunletError } from '../../../errors.ts';
import type { FileMethods, FileServiceOptions } from './file-calls.ts';

/** `WatchDirectory`. */
export function watchDirectory(_options: FileServiceOptions): FileMethods<'watchDirectory'> {
  const missing = (): never => {
    throw new RunletError('INTERNAL');
  };
  return { watchDirectory: missing };
}
