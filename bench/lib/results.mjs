// @ts-check
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pool } from './pool.mjs';

/** @import { StoredResult } from './part.mjs' */

/** Where all that is measured goes; git ignores it. */
export const RESULTS_FOLDER = fileURLToPath(new URL('../results', import.meta.url));

/** Where those of the runs before are, in that folder. */
const BEFORE = 'before';

/**
 * Writes the result of a part to its file. That of the run before is kept aside.
 *
 * @param {string} folder which is made if need be
 * @param {StoredResult} result
 * @returns {string} the path of the file
 */
export function writeResult(folder, result) {
  mkdirSync(join(folder, BEFORE), { recursive: true });
  const name = `${result.part}.json`;
  const path = join(folder, name);
  if (existsSync(path)) renameSync(path, join(folder, BEFORE, name));
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

/**
 * Reads the newest results of parts, each pooled with the one before; of those that were
 * not run there is none.
 *
 * @param {string} folder
 * @param {readonly string[]} parts their names
 * @returns {StoredResult[]}
 * @throws Error if a file has something else
 */
export function readResults(folder, parts) {
  return parts.flatMap((part) => {
    const result = readResult(folder, part);
    return result === undefined ? [] : [pool(result, readResult(join(folder, BEFORE), part))];
  });
}

/**
 * @param {string} folder
 * @param {string} part
 * @returns {StoredResult | undefined}
 */
function readResult(folder, part) {
  const path = join(folder, `${part}.json`);
  if (!existsSync(path)) return undefined;
  const result = /** @type {StoredResult} */ (JSON.parse(readFileSync(path, 'utf8')));
  if (result.part !== part) throw new Error(`${path} has no result of ${part}: run it again`);
  return result;
}
