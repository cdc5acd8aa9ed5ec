// @ts-check
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/**
 * Reads the newest results of parts; of those that were not run there is none.
 *
 * @param {string} folder
 * @param {readonly string[]} parts their names
 * @returns {StoredResult[]}
 * @throws Error if a file has something else
 */
export function readResults(folder, parts) {
  return parts.flatMap((part) => {
    const path = join(folder, `${part}.json`);
    if (!existsSync(path)) return [];
    const result = /** @type {StoredResult} */ (JSON.parse(readFileSync(path, 'utf8')));
    if (result.part !== part) throw new Error(`${path} has no result of ${part}: run it again`);
    return [result];
  });
}
