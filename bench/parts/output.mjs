// @ts-check
import { compileProgram, findCompiler } from '../lib/c-program.mjs';
import { startStage } from '../lib/output-stage.mjs';
import { measureFairness } from '../output/fairness.mjs';
import { measureThroughput } from '../output/throughput.mjs';
import { measureFanOut, measureStalled } from '../output/watchers.mjs';

/** @import { Options, Result } from '../lib/part.mjs' */

export const name = 'output';
export const summary = 'how fast output gets to its readers, and what they cost each other';

const MEASUREMENTS = {
  throughput: measureThroughput,
  stalled: measureStalled,
  fairness: measureFairness,
  'fan-out': measureFanOut,
};

/**
 * Takes less than two minutes.
 *
 * @param {Options} options
 * @returns {Promise<Result>}
 */
export async function run({ profileFolder, say }) {
  const compiler = findCompiler();
  const flood = compileProgram(compiler, new URL('../flood.c', import.meta.url));
  const only = process.env['BENCH_ONLY'];
  const stage = await startStage(flood, profileFolder);
  const rows = [];
  try {
    for (const [measurement, measure] of Object.entries(MEASUREMENTS)) {
      if (only !== undefined && only !== measurement) continue;
      say(measurement);
      rows.push(...(await measure(stage)));
    }
  } finally {
    await stage.stop();
  }
  return {
    contenders: [
      { name: 'runlet', about: '`runlet serve` with its defaults' },
      { name: 'bare grpc-js', about: 'a server of grpc-js alone, with messages made before' },
      { name: 'C reader', about: `a program that reads a pipe, by ${compiler.version}` },
    ],
    rows,
  };
}
