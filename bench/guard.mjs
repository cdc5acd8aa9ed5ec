// @ts-check
/**
 * Guards against servers that have become slower, on any machine, however busy: it
 * compares what is measured right after one another, and asserts nothing but ratios.
 *
 *     npm run bench:guard -- [--row ID]... [--dist FOLDER] [--server-flag=FLAG]...
 *
 * `--row` measures some rows alone. The server is the one that was built, unless `--dist`
 * is the folder of another; `--server-flag` is passed on to it. Both are for the tests of
 * the guard. The exit code is 1 if a ratio was out of its bound twice.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { firstAnswer, help, run } from './guard/commands.mjs';
import { encodeOnce } from './guard/encode-once.mjs';
import { judge } from './guard/judge.mjs';
import { misses, table } from './guard/report.mjs';
import { scrape } from './guard/scrape.mjs';
import { start, startHeld } from './guard/starts.mjs';
import { stream } from './guard/stream.mjs';
import { top } from './guard/top.mjs';
import { compileProgram, findCompiler } from './lib/c-program.mjs';
import { describeMachine, machineLine } from './lib/machine.mjs';
import { MissingError } from './lib/missing-error.mjs';

/** @import { Check } from './guard/judge.mjs' */
/** @import { Setup } from './guard/stage.mjs' */

/** @type {readonly Check[]} */
const CHECKS = [start, startHeld, encodeOnce, stream, scrape, top, help, run, firstAnswer];

process.exitCode = await main();

/** @returns {Promise<number>} the exit code */
async function main() {
  const options = readOptions();
  if (options === undefined) return 2;
  try {
    return (await guard(options)) ? 0 : 1;
  } catch (error) {
    const known = error instanceof MissingError;
    say(known ? error.message : String(error instanceof Error ? error.stack : error));
    return 1;
  }
}

/**
 * What the arguments ask for; undefined, once it was said why, if they make no sense.
 *
 * @returns {{ checks: readonly Check[], dist: string, serverFlags: string[] } | undefined}
 */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        row: { type: 'string', multiple: true, default: CHECKS.map(({ id }) => id) },
        dist: { type: 'string', default: fileURLToPath(new URL('../dist', import.meta.url)) },
        'server-flag': { type: 'string', multiple: true, default: [] },
      },
    });
    const unknown = values.row.find((id) => !CHECKS.some((check) => check.id === id));
    if (unknown !== undefined) throw new Error(`there is no row ${unknown}`);
    return {
      checks: CHECKS.filter(({ id }) => values.row.includes(id)),
      dist: resolve(values.dist),
      serverFlags: values['server-flag'],
    };
  } catch (error) {
    const rows = CHECKS.map(({ id }) => id).join(', ');
    say(`${error instanceof Error ? error.message : error}\nrows: ${rows}`);
    return undefined;
  }
}

/**
 * Measures, and prints what came of it.
 *
 * @param {{ checks: readonly Check[], dist: string, serverFlags: string[] }} options
 * @returns {Promise<boolean>} whether all bounds were met
 */
async function guard({ checks, dist, serverFlags }) {
  if (process.platform !== 'linux') throw new MissingError('Linux, whose proc(5) is read');
  const compiler = findCompiler();
  const compile = (/** @type {string} */ file) =>
    compileProgram(compiler, new URL(file, import.meta.url));
  /** @type {Setup} */
  const setup = {
    dist,
    serverFlags,
    flood: compile('flood.c'),
    plainPages: compile('plain-pages.c'),
  };
  const machine = describeMachine();
  const verdicts = await judge(checks, async (check) => {
    const began = performance.now();
    const row = await check.measure(setup);
    say(`${check.id}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    return row;
  });
  process.stdout.write(`${table(verdicts)}\n\n${machineLine(machine)}\n`);
  for (const miss of misses(verdicts)) say(`missed: ${miss}`);
  return verdicts.every(({ met }) => met);
}

/** @param {string} what */
function say(what) {
  process.stderr.write(`guard: ${what}\n`);
}
