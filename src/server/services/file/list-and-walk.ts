import { RunletError } from '../../../errors.ts';
import type { FileMethods, FileServiceOptions } from './file-calls.ts';

/** `ListDirectory` and `WalkDirectory`. */
export function listAndWalk(
  _options: FileServiceOptions,
): FileMethods<'listDirectory' | 'walkDirectory'> {
  const missing = (): never => {
    throw new RunletError('INTERNAL');
  };
  return { listDirectory: missing, walkDirectory: missing };
}
