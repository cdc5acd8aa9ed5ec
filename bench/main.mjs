// @ts-check
/**
 * Runs parts of the benchmark, each a file in bench/parts/:
 *
 *     npm run bench -- [--list] [--profile] [--report] [PART...]
 */
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './lib/machine.mjs';
import { MissingError } from './lib/missing-error.mjs';
import { loadPart, PARTS } from './lib/parts.mjs';
import { emptyProfileFolder } from './lib/profile.mjs';
import { RESULTS_FOLDER, writeResult } from './lib/results.mjs';
import { resultText } from './report/tables.mjs';

const USAGE = `usage: npm run bench -- [OPTION...] [PART...]

Runs the parts, or all of them, in turn, and prints tables in Markdown.

  --list     print the names of the parts
  --profile  have servers profiled, and draw flame graphs; the numbers do not count
  --report   then write docs/benchmarks.md and its charts
`;

// Not by exitCode: what a part that failed has left running ends when its input does.
process.exit(await main(process.argv.slice(2)));

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code: 1 if a part failed or lacks something, 2 if
 *   the arguments make no sense
 */
async function main(args) {
  const request = parse(args);
  if (typeof request === 'string') {
    process.stderr.write(`bench: ${request}\n\n${USAGE}\n${await list()}`);
    return 2;
  }
  const { values, names } = request;
  if (values.list) {
    process.stdout.write(await list());
    return 0;
  }
  let code = 0;
  for (const name of names) {
    try {
      await (values.profile ? runProfiled(name) : runMeasured(name));
    } catch (error) {
      const known = error instanceof MissingError;
      process.stderr.write(`${name}: ${known ? error.message : String(stackOf(error))}\n`);
      code = 1;
    }
  }
  if (values.report) {
    const { writeReport } = await import('./report/report.mjs');
    writeReport(RESULTS_FOLDER);
  }
  return code;
}

/**
 * @param {string[]} args
 * @returns what is asked for; or what makes no sense
 */
function parse(args) {
  const flag = /** @type {const} */ ({ type: 'boolean' });
  const options = { list: flag, profile: flag, report: flag };
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (values.profile && values.report) return '--profile and --report exclude each other';
    const unknown = positionals.find((name) => !PARTS.includes(name));
    if (unknown !== undefined) return `there is no part ${unknown}`;
    return { values, names: positionals.length === 0 ? PARTS : positionals };
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/** The parts, a line each. */
async function list() {
  const parts = await Promise.all(PARTS.map(loadPart));
  return parts.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}\n`).join('');
}

/** @param {string} name of a part */
async function runMeasured(name) {
  await run(name, RESULTS_FOLDER, undefined);
}

/**
 * The result goes to where the profiles are, and not to where reports are made of it: a
 * server that is profiled is slower.
 *
 * @param {string} name of a part
 */
async function runProfiled(name) {
  const folder = emptyProfileFolder(name);
  await run(name, folder, folder);
  const { drawFlameGraphs } = await import('./report/flame-graphs.mjs');
  const paths = drawFlameGraphs(folder);
  for (const path of paths) process.stdout.write(`flame graph: ${relative('', path)}\n\n`);
}

/**
 * Runs a part, stores what it found out, and prints it.
 *
 * @param {string} name
 * @param {string} folder for the result
 * @param {string | undefined} profileFolder
 */
async function run(name, folder, profileFolder) {
  const part = await loadPart(name);
  const machine = describeMachine();
  const began = performance.now();
  const say = (/** @type {string} */ what) => void process.stderr.write(`${name}: ${what}\n`);
  const result = await part.run({ profileFolder, say });
  const seconds = (performance.now() - began) / 1000;
  const stored = { part: name, machine, seconds, ...result };
  const path = writeResult(folder, stored);
  process.stdout.write(`## ${name}\n\n${resultText(stored)}\n\n`);
  process.stdout.write(`results: ${relative('', path)}\n\n`);
}

/** @param {unknown} error */
function stackOf(error) {
  return error instanceof Error ? error.stack : error;
}
