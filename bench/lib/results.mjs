// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../results', import.meta.url));

/**
 * Writes the result of a part to its file, in place of that of the run before.
 *
 * @param {string} part its name
 * @param {object} result what becomes the JSON
 * @returns {string} the path of the file, relative to the working directory
 */
export function writeResult(part, result) {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${part}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return relative('', path);
}
