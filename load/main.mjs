// @ts-check
/**
 * Loads a server with the tools that operators use, and looks whether it stays sound:
 *
 *     npm run load -- [--list] [--size smoke|full] [--tool NAME]... [--out FOLDER] [--report]
 *         [SCENARIO...]
 */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { faultsOfRun } from './lib/report.mjs';
import { runLoad } from './lib/run.mjs';
import { SCENARIOS } from './lib/scenarios.mjs';
import { TOOL_NAMES } from './lib/tools.mjs';
import { reportText } from './report/text.mjs';
import { writeDocument, writeReport } from './report/write.mjs';

/** @import { Scenario, SizeName } from './lib/scenario.mjs' */

const USAGE = `usage: npm run load -- [OPTION...] [SCENARIO...]

Loads a server of its own on the loopback interface with the scenarios, or all of them,
in turn, and writes a report.

  --list         print the scenarios
  --size SIZE    full, the default, or smoke: a few calls of each
  --tool NAME    only scenarios of this tool, which must be there; may be given again
  --out FOLDER   for the report. Default: load/results
  --report       then write docs/load.md and its chart
`;

const RESULTS = fileURLToPath(new URL('results', import.meta.url));

// What was started is ended when this process exits.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => process.exit(1));
}
process.exitCode = await main(process.argv.slice(2));

/**
 * What the arguments ask for.
 *
 * @typedef {object} Request
 * @property {boolean} list
 * @property {boolean} report
 * @property {SizeName} size
 * @property {string} out
 * @property {boolean} strict whether no tool may be missing
 * @property {readonly Scenario[]} scenarios
 */

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code: 1 if something was not as it should be, 2 if the
 *   arguments make no sense
 */
async function main(args) {
  const request = parse(args);
  if (typeof request === 'string') {
    process.stderr.write(`load: ${request}\n\n${USAGE}`);
    return 2;
  }
  if (request.list) {
    process.stdout.write(
      SCENARIOS.map(({ name, summary }) => `  ${name.padEnd(21)} ${summary}\n`).join(''),
    );
    return 0;
  }
  const report = await runLoad({ ...request, say });
  const path = writeReport(request.out, report);
  if (request.report) writeDocument(report);
  process.stdout.write(`${reportText(report)}\n\nreport: ${relative('', path)}\n`);
  const faults = faultsOfRun(report);
  if (request.strict) faults.push(...new Set(report.missing.map(({ what }) => `missing: ${what}`)));
  for (const fault of faults) say(fault);
  return faults.length === 0 ? 0 : 1;
}

/**
 * @param {string[]} args
 * @returns {Request | string} or what makes no sense
 */
function parse(args) {
  const flag = /** @type {const} */ ({ type: 'boolean', default: false });
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        list: flag,
        report: flag,
        size: { type: 'string', default: 'full' },
        tool: { type: 'string', multiple: true, default: [] },
        out: { type: 'string', default: RESULTS },
      },
    });
    const { list, report, size, tool, out } = values;
    if (size !== 'full' && size !== 'smoke') return `there is no size ${size}`;
    const odd = tool.find((name) => !TOOL_NAMES.some((known) => known === name));
    if (odd !== undefined) return `there is no tool ${odd}`;
    const unknown = positionals.find((name) => !SCENARIOS.some((one) => one.name === name));
    if (unknown !== undefined) return `there is no scenario ${unknown}`;
    const scenarios = SCENARIOS.filter(
      (one) =>
        (tool.length === 0 || tool.includes(one.tool)) &&
        (positionals.length === 0 || positionals.includes(one.name)),
    );
    if (scenarios.length === 0) return 'no scenario is of these names and tools';
    return { list, report, size, out, strict: tool.length > 0, scenarios };
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/** @param {string} what */
function say(what) {
  process.stderr.write(`load: ${what}\n`);
}
