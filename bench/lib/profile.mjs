// @ts-check
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RESULTS_FOLDER } from './results.mjs';

/**
 * Makes sure that there is nothing where profiles of a part go.
 *
 * @param {string} part its name
 * @returns {string} the path of the folder, which Node.js makes
 */
export function emptyProfileFolder(part) {
  const folder = join(RESULTS_FOLDER, 'profiles', part);
  rmSync(folder, { recursive: true, force: true });
  return folder;
}

/**
 * Has a Node.js leave a CPU profile when it exits, by itself or by process.exit().
 *
 * @param {string | undefined} folder undefined: it does not
 * @returns {string[]} arguments before the script
 */
export function profileArgs(folder) {
  if (folder === undefined) return [];
  const url = new URL('leave-profile.mjs', import.meta.url);
  url.searchParams.set('folder', resolve(folder));
  return ['--import', url.href];
}
