// @ts-check

/** @import { Part } from './part.mjs' */

/** Names of files in bench/parts/, in the order in which all of them are run. */
export const PARTS = [
  'starts',
  'streams',
  'output',
  'launchers',
  'growth',
  'scrape',
  'footprint',
  'resume',
  'cold-start',
  'files',
  'sandbox',
  'http',
  'tunnels',
];

/**
 * @param {string} name one of {@link PARTS}
 * @returns {Promise<Part>}
 */
export function loadPart(name) {
  return import(new URL(`../parts/${name}.mjs`, import.meta.url).href);
}
