// @ts-check
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { replaceBlocks } from '../../bench/report/markers.mjs';
import { drawTimeline } from './chart.mjs';
import { reportText } from './text.mjs';

/** @import { LoadReport } from '../lib/report.mjs' */

const DOCUMENT = fileURLToPath(new URL('../../docs/load.md', import.meta.url));
const CHART = fileURLToPath(new URL('../../docs/load/load.svg', import.meta.url));

/** The markers in the document between which a report is. */
const BLOCK = 'load';

/**
 * Writes a report as JSON, as Markdown and as a chart.
 *
 * @param {string} folder which is made if need be
 * @param {LoadReport} report
 * @returns {string} the path of the JSON
 */
export function writeReport(folder, report) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'load.json');
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, 'load.md'), `${reportText(report)}\n`);
  writeFileSync(join(folder, 'load.svg'), drawTimeline(report));
  return path;
}

/**
 * Writes a report into docs/load.md, as the example there, with its chart.
 *
 * @param {LoadReport} report
 * @throws Error if the document has no place for it; nothing is written then
 */
export function writeDocument(report) {
  const image = "![The server's CPU, memory and latencies in the run below](load/load.svg)";
  const text = replaceBlocks(
    readFileSync(DOCUMENT, 'utf8'),
    new Map([[BLOCK, `${image}\n\n${reportText(report)}`]]),
    [BLOCK],
  );
  writeFileSync(CHART, drawTimeline(report));
  writeFileSync(DOCUMENT, text);
}
