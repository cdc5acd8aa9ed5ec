// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @import { StoredResult } from './part.mjs' */

/** Where all that is measured goes; git ignores it. */
export const RESULTS_FOLDER = fileURLToPath(new URL('../results', import.meta.url));

/**
 * Writes the result of a part to its file, in place of that of the run before.
 *
 * @param {string} folder which is made if need be
 * @param {StoredResult} result
 * @returns {string} the path of the file
 */
export function writeResult(folder, result) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${result.part}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}
