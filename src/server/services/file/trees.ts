import { RunletError } from '../../../errors.ts';
import type { FileMethods, FileServiceOptions } from './file-calls.ts';

/** `ReadTree` and `WriteTree`. */
export function trees(_options: FileServiceOptions): FileMethods<'readTree' | 'writeTree'> {
  const missing = (): never => {
    throw new RunletError('INTERNAL');
  };
  return { readTree: missing, writeTree: missing };
}
