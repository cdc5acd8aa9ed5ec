// @ts-check
import { compileProgram, findCompiler } from '../lib/c-program.mjs';
import { describeMachine, machineLine } from '../lib/machine.mjs';
import { startStage } from '../lib/output-stage.mjs';
import { writeResult } from '../lib/results.mjs';
import { markdownTable } from '../lib/table.mjs';
import { measureFairness } from '../output/fairness.mjs';
import { isMet } from '../output/row.mjs';
import { measureThroughput } from '../output/throughput.mjs';
import { measureFanOut, measureStalled } from '../output/watchers.mjs';

/** @import { Row } from '../output/row.mjs' */

export const name = 'output';
export const summary = 'how fast output gets to its readers, and what they cost each other';

const MEASUREMENTS = {
  throughput: measureThroughput,
  stalled: measureStalled,
  fairness: measureFairness,
  'fan-out': measureFanOut,
};

/** Measures, prints and writes the results. Takes about two minutes. */
export async function run() {
  const compiler = findCompiler();
  const flood = compileProgram(compiler, new URL('../flood.c', import.meta.url));
  const machine = describeMachine();
  const only = process.env['BENCH_ONLY'];
  const stage = await startStage(flood);
  const rows = [];
  for (const [measurement, measure] of Object.entries(MEASUREMENTS)) {
    if (only !== undefined && only !== measurement) continue;
    process.stderr.write(`output: ${measurement}\n`);
    rows.push(...(await measure(stage)));
  }
  await stage.stop();
  const path = writeResult(name, { machine, compiler: compiler.version, rows });
  process.stdout.write(`${report(rows)}\n\n${machineLine(machine)}\n\nresults: ${path}\n`);
}

/**
 * Lays out the ratios, and what they shall be.
 *
 * @param {readonly Row[]} rows
 * @returns {string} a table
 */
function report(rows) {
  return markdownTable(
    ['output', 'compared to', 'ratio', 'target', 'met'],
    rows.map((row) => {
      const { median, least, greatest } = row.ratio;
      return [
        row.measure,
        row.value,
        `${median.toFixed(2)} (${least.toFixed(2)} to ${greatest.toFixed(2)})`,
        targetText(row.target),
        row.target === undefined ? '' : isMet(row) ? 'yes' : 'no',
      ];
    }),
  );
}

/** @param {Row['target']} target */
function targetText(target) {
  if (target === undefined) return '';
  return 'least' in target ? `at least ${target.least}` : `at most ${target.most}`;
}
