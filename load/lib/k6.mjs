// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTool } from './run-tool.mjs';

/** @import { Latency } from './latency.mjs' */
/** @import { Context, Outcome } from './scenario.mjs' */

const SCRIPTS = fileURLToPath(new URL('../k6', import.meta.url));

/** What k6 may take beside its iterations: starting, `setup` and `teardown`. */
const OVERHEAD_MS = 60_000;

/** Keeps k6 to the loopback interface: it reports nothing, fetches nothing, serves nothing. */
const QUIET = ['--no-usage-report', '--quiet', '--no-color', '--address', ''];
const QUIET_ENV = { K6_AUTO_EXTENSION_RESOLUTION: 'false' };

/**
 * What a script is run with: see load/k6/.
 *
 * @typedef {Record<string, number> & { VUS: number, ITERATIONS: number, MAX_SECONDS: number }} K6Size
 */

/**
 * What is read of the summary that k6 exports.
 *
 * @typedef {object} K6Summary
 * @property {Record<string, Metric>} metrics
 * @property {{ checks: Record<string, { name: string, fails: number }> }} root_group
 */

/** @typedef {'med' | 'p(90)' | 'p(95)' | 'p(99)' | 'max'} Point */

/**
 * What k6 tells of a metric: a counter its `count`, checks their `passes`, a trend its
 * points. Of a threshold it tells whether it was crossed.
 *
 * @typedef {{ count?: number, passes?: number, thresholds?: Record<string, boolean> } & { [point in Point]?: number }} Metric
 */

/**
 * Loads a server with a script of load/k6/.
 *
 * @param {Context} context
 * @param {string} script its name
 * @param {K6Size} size
 * @param {string} trend the metric whose values, in milliseconds, are the latencies
 * @returns {Promise<Outcome>}
 * @throws Error if k6 wrote no summary
 */
export async function runK6({ folder, server, tool }, script, size, trend) {
  const exported = join(folder, 'k6.json');
  const variables = { RUNLET_ADDRESS: server.address, ...size };
  const began = performance.now();
  const finished = await runTool(
    tool.program,
    [
      ...['run', ...QUIET, '--summary-export', exported],
      ...Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
      join(SCRIPTS, `${script}.js`),
    ],
    { timeoutMs: size.MAX_SECONDS * 1000 + OVERHEAD_MS, env: QUIET_ENV, cwd: folder },
  );
  const seconds = (performance.now() - began) / 1000;
  if (!existsSync(exported)) {
    throw new Error(`k6 ended with ${finished.code}: ${finished.stderr}`);
  }
  const summary = /** @type {K6Summary} */ (JSON.parse(readFileSync(exported, 'utf8')));
  const outcome = outcomeOf(summary, trend);
  // 99: a threshold was crossed, which the summary tells, too.
  if (finished.code !== 0 && (finished.code !== 99 || outcome.errors.length === 0)) {
    outcome.errors.push(`k6 ended with ${finished.code}: ${finished.stderr.slice(0, 500)}`);
  }
  return { ...outcome, expected: size.VUS * size.ITERATIONS, seconds };
}

/**
 * @param {K6Summary} summary
 * @param {string} trend
 * @returns {Omit<Outcome, 'expected' | 'seconds'>}
 */
export function outcomeOf({ metrics, root_group: { checks } }, trend) {
  const count = (/** @type {string} */ name) => metrics[name]?.count ?? 0;
  const errors = Object.values(checks)
    .filter(({ fails }) => fails > 0)
    .map(({ fails, name }) => `${fails} times not: ${name}`);
  if (count('runlet_errors') > 0) errors.push(`${count('runlet_errors')} times a call failed`);
  for (const [name, { thresholds = {} }] of Object.entries(metrics)) {
    for (const [threshold, crossed] of Object.entries(thresholds)) {
      if (crossed) errors.push(`${name} did not meet ${threshold}`);
    }
  }
  const passes = metrics['checks']?.passes ?? 0;
  return {
    calls: count('runlet_done'),
    errors,
    latency: latencyOfTrend(metrics[trend]),
    figures: { 'checks that passed': passes, [`values of ${trend}`]: count(trend) },
  };
}

/**
 * @param {Metric | undefined} trend
 * @returns {Latency | undefined}
 */
function latencyOfTrend(trend) {
  if (trend === undefined) return undefined;
  const at = (/** @type {Point} */ point) => Math.round((trend[point] ?? Number.NaN) * 1000) / 1000;
  return {
    p50: at('med'),
    p90: at('p(90)'),
    p95: at('p(95)'),
    p99: at('p(99)'),
    max: at('max'),
  };
}
