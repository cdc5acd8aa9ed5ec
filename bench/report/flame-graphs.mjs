// @ts-check
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { drawFlameGraph } from './flame-graph.mjs';

const EXTENSION = '.cpuprofile';

/**
 * Draws every CPU profile in a folder, beside it.
 *
 * @param {string} folder its name is that of a part
 * @returns {string[]} the paths of the drawings
 * @throws Error if there is no profile
 */
export function drawFlameGraphs(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith(EXTENSION));
  if (files.length === 0) throw new Error('no server left a profile');
  return files.sort().map((file) => {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    const path = join(folder, `${basename(file, EXTENSION)}.svg`);
    writeFileSync(path, drawFlameGraph(basename(folder), profile));
    return path;
  });
}
