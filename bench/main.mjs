// @ts-check
/**
 * Runs parts of the benchmark, each a file in bench/parts/, in the order given:
 *
 *     npm run bench -- PART...
 */
import { MissingError } from './lib/missing-error.mjs';
import * as launchers from './parts/launchers.mjs';
import * as output from './parts/output.mjs';

/**
 * @typedef {object} Part
 * @property {string} name on the command line, and of the file of results
 * @property {string} summary what it measures
 * @property {() => Promise<void>} run prints a table to standard output, and writes the results
 */

/** @type {readonly Part[]} */
const PARTS = [launchers, output];

// Not by exitCode: what a part that failed has left running ends when its input does.
process.exit(await main(process.argv.slice(2)));

/**
 * @param {readonly string[]} names of parts
 * @returns {Promise<number>} the exit code: 1 if a part failed or lacks something, 2 if
 *   the arguments make no sense
 */
async function main(names) {
  const parts = names.map((name) => PARTS.find((part) => part.name === name));
  if (parts.length === 0 || parts.includes(undefined)) {
    const lines = PARTS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}\n`);
    process.stderr.write(`usage: npm run bench -- PART...\n\n${lines.join('')}`);
    return 2;
  }
  try {
    for (const part of parts) await part?.run();
    return 0;
  } catch (error) {
    const known = error instanceof MissingError;
    process.stderr.write(`bench: ${known ? error.message : String(stackOf(error))}\n`);
    return 1;
  }
}

/** @param {unknown} error */
function stackOf(error) {
  return error instanceof Error ? error.stack : error;
}
