// @ts-check
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { latencyOf } from './latency.mjs';
import { runTool } from './run-tool.mjs';

/** @import { Context, Outcome } from './scenario.mjs' */

/** The configurations name protos from here. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONFIGS = fileURLToPath(new URL('../ghz', import.meta.url));

/**
 * How much a configuration is run with.
 *
 * @typedef {object} GhzSize
 * @property {number} calls
 * @property {number} atOnce
 * @property {number} maxSeconds after which it is given up, which is an error
 */

/**
 * What is read of the report that ghz writes as JSON; times are in nanoseconds.
 *
 * @typedef {object} GhzReport
 * @property {string} endReason
 * @property {number} count
 * @property {number} total
 * @property {Record<string, number> | null} errorDistribution
 * @property {Record<string, number> | null} statusCodeDistribution
 * @property {{ latency: number, status: string }[] | null} details
 */

/**
 * Loads a server with a configuration of load/ghz/.
 *
 * @param {Context} context
 * @param {string} config its name
 * @param {GhzSize} size
 * @param {object} [data] fields that each request has beside those of the configuration
 * @returns {Promise<Outcome>}
 * @throws Error if ghz wrote no report
 */
export async function runGhz(context, config, { calls, atOnce, maxSeconds }, data = {}) {
  const { folder, server, tool } = context;
  const path = join(CONFIGS, `${config}.json`);
  const { data: own } = /** @type {{ data: object }} */ (JSON.parse(readFileSync(path, 'utf8')));
  const output = join(folder, 'ghz.json');
  const finished = await runTool(
    tool.program,
    [
      ...['--config', path, '--data', JSON.stringify({ ...own, ...data })],
      // Not --max-duration, with which ghz forgets --total.
      ...['--total', `${calls}`, '--concurrency', `${atOnce}`],
      ...['--format', 'json', '--output', output, server.address],
    ],
    { timeoutMs: maxSeconds * 1000, cwd: ROOT },
  );
  if (finished.late) throw new Error(`ghz took longer than ${maxSeconds} s`);
  if (finished.code !== 0) {
    throw new Error(
      `ghz ended with ${finished.code}: ${(finished.stderr || finished.stdout).trim()}`,
    );
  }
  const report = /** @type {GhzReport} */ (JSON.parse(readFileSync(output, 'utf8')));
  return { ...outcomeOf(report), expected: calls };
}

/**
 * @param {GhzReport} report
 * @returns {Omit<Outcome, 'expected'>}
 */
export function outcomeOf(report) {
  const good = (report.details ?? []).filter(({ status }) => status === 'OK');
  const errors = Object.entries(report.errorDistribution ?? {}).map(
    ([what, times]) => `${times} times ${what}`,
  );
  const bad = Object.entries(report.statusCodeDistribution ?? {}).filter(([name]) => name !== 'OK');
  if (errors.length === 0) errors.push(...bad.map(([name, times]) => `${times} times ${name}`));
  if (report.endReason !== 'normal') errors.push(`ended early: ${report.endReason}`);
  return {
    calls: good.length,
    seconds: report.total / 1e9,
    errors,
    latency: latencyOf(good.map(({ latency }) => latency / 1e6)),
    figures: {},
  };
}
