import { invalidField } from '../../../errors.ts';
import { compileGlob, GlobError } from '../../../files/agent/glob.ts';
import { MAX_GLOBS, MAX_GLOBS_CHARACTERS } from '../../../limits.ts';

/**
 * Globs of a request that compile.
 *
 * @throws RunletError `INVALID_REQUEST`
 */
export function parseGlobs(field: string, globs: readonly string[]): readonly string[] {
  if (globs.length > MAX_GLOBS) throw invalidField(field, `must not be more than ${MAX_GLOBS}`);
  const characters = globs.reduce((sum, glob) => sum + glob.length, 0);
  if (characters > MAX_GLOBS_CHARACTERS) {
    throw invalidField(field, `must not have more than ${MAX_GLOBS_CHARACTERS} characters in all`);
  }
  for (const [index, glob] of globs.entries()) {
    try {
      compileGlob(glob);
    } catch (error) {
      if (error instanceof GlobError) throw invalidField(`${field}[${index}]`, error.message);
      throw error;
    }
  }
  return globs;
}
