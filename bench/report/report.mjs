// @ts-check
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PARTS } from '../lib/parts.mjs';
import { readResults } from '../lib/results.mjs';
import { drawChart } from './chart.mjs';
import { replaceBlocks } from './markers.mjs';
import { resultText } from './tables.mjs';

const DOCUMENT = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
const CHARTS = fileURLToPath(new URL('../../docs/benchmarks/', import.meta.url));

/**
 * Writes what was measured into docs/benchmarks.md, with a chart for each part. Parts
 * that have no result keep what is there.
 *
 * @param {string} folder of results
 * @returns {string[]} the parts that were written
 * @throws Error if the document has no place for one; nothing is written then
 */
export function writeReport(folder) {
  const results = readResults(folder, PARTS);
  const blocks = new Map(
    results.map((result) => {
      const image = `![${result.part}: bars of the medians in the table](benchmarks/${result.part}.svg)`;
      return [result.part, `${image}\n\n${resultText(result)}`];
    }),
  );
  const text = replaceBlocks(readFileSync(DOCUMENT, 'utf8'), blocks, PARTS);
  mkdirSync(CHARTS, { recursive: true });
  for (const result of results) writeFileSync(`${CHARTS}${result.part}.svg`, drawChart(result));
  writeFileSync(DOCUMENT, text);
  return [...blocks.keys()];
}
