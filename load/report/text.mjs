// @ts-check
import { machineLine } from '../../bench/lib/machine.mjs';
import { markdownTable } from '../../bench/lib/table.mjs';
import { formatNumber } from '../../bench/report/format.mjs';

/** @import { LoadReport, ServerRun } from '../lib/report.mjs' */
/** @import { ScenarioResult } from '../lib/scenario.mjs' */

/**
 * Says in Markdown what a run came to, and what is needed to judge that.
 *
 * @param {LoadReport} report
 * @returns {string} without a line feed at the end
 */
export function reportText(report) {
  const { machine, missing, failures, scenarios, seconds, servers, size, tools } = report;
  const measured = scenarios.filter(({ latency }) => latency !== undefined);
  const figures = scenarios.filter(({ tool }) => tool === 'node');
  const versions = tools.map(({ name, version }) => `${name} ${version}`).join(', ');
  return [
    ...(scenarios.length === 0 ? [] : [callsTable(scenarios)]),
    ...(measured.length === 0 ? [] : [latencyTable(measured)]),
    ...figures.map(figuresTable),
    ...(servers.length === 0 ? [] : [returnTable(servers)]),
    ...list(failures.map(({ scenario, message }) => `**${scenario}** was given up: ${message}`)),
    ...list(missing.map(({ scenario, what }) => `**${scenario}** was not run. Missing: ${what}`)),
    `Size \`${size}\`, ${Math.round(seconds)} s, with ${versions}, on ${machineLine(machine)}.`,
  ].join('\n\n');
}

/** @param {readonly string[]} items */
function list(items) {
  return items.length === 0 ? [] : [items.map((item) => `- ${item}`).join('\n')];
}

/** @param {readonly ScenarioResult[]} scenarios */
function callsTable(scenarios) {
  return markdownTable(
    ['scenario', 'done', 'errors', 'seconds', 'per second', 'server CPU', 'peak memory'],
    scenarios.map(({ name, calls, cpuSeconds, errors, expected, peakMib, seconds }) => [
      name,
      `${formatCount(calls)} of ${formatCount(expected)}`,
      errors.length === 0 ? '0' : errors.join('; '),
      formatNumber(seconds),
      formatNumber(calls / seconds),
      `${formatNumber(cpuSeconds)} s`,
      `${formatNumber(peakMib)} MiB`,
    ]),
  );
}

/** @param {readonly ScenarioResult[]} scenarios */
function latencyTable(scenarios) {
  const cell = (/** @type {number | undefined} */ value) => formatNumber(value ?? Number.NaN);
  return markdownTable(
    ['scenario', 'latency, ms', 'p50', 'p90', 'p95', 'p99', 'max'],
    scenarios.map(({ latency, latencyOf, name }) => [
      name,
      latencyOf,
      ...[latency?.p50, latency?.p90, latency?.p95, latency?.p99, latency?.max].map(cell),
    ]),
    2,
  );
}

/** @param {ScenarioResult} scenario */
function figuresTable({ figures, name }) {
  const rows = Object.entries(figures).map(([what, figure]) => [
    what,
    typeof figure === 'number' ? formatNumber(figure) : figure,
  ]);
  return markdownTable([name, ''], rows);
}

/** @param {readonly ServerRun[]} servers */
function returnTable(servers) {
  const rows = servers.flatMap(({ back }, index) => {
    const { after, before, faults, seconds, toleranceMib, uncollectedMib } = back;
    const verdict = faults.length === 0 ? `yes, after ${formatNumber(seconds)} s` : 'no';
    const row = (/** @type {string} */ what, /** @type {number[]} */ values, end = '') => [
      `${index + 1}`,
      what,
      ...values.map(String),
      end,
    ];
    return [
      row('descriptors', [before.descriptors, after.descriptors]),
      row('children', [before.children, after.children]),
      row('zombies', [before.zombies, after.zombies]),
      row(
        `resident MiB (${uncollectedMib} before garbage was collected; may grow by ${toleranceMib})`,
        [before.residentMib, after.residentMib],
        verdict,
      ),
    ];
  });
  return markdownTable(['server', 'what it holds', 'new', 'after the load', 'is back'], rows, 2);
}

/** @param {number} count */
function formatCount(count) {
  return count.toLocaleString('en-US');
}
