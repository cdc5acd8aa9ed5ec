// @ts-check
import { makeRow } from '../lib/row.mjs';
import { median, quantile } from '../lib/statistics.mjs';

/** @import { Stage } from '../lib/output-stage.mjs' */
/** @import { Row } from '../lib/row.mjs' */
/** @import { Latencies } from '../output-client.mjs' */

const ROUNDS = 5;
/** Of each kind in a round: five are beyond the 99th percentile. */
const CALLS = 500;
/** How many times as long as when nothing else goes on. */
const TARGET = { most: 5 };
const FLOODED = 'runlet, beside a flood';
/** More than is printed in a round. */
const ENDLESS_BYTES = 2 ** 50;

/**
 * How long a call takes, and a byte through a process and back, while another process
 * prints as fast as it can to one watcher, and while it does not.
 *
 * @param {Stage} stage
 * @returns {Promise<Row[]>}
 */
export async function measureFairness({ ask, askOther, flood }) {
  const argv = [flood, 'blocks', `${ENDLESS_BYTES}`];
  const rounds = [];
  await askOther({ command: 'latencies', calls: CALLS });
  for (let round = 0; round < ROUNDS; round += 1) {
    const idle = await measure(askOther);
    await ask({ command: 'beginFlood', order: { argv, pause: true } });
    const busy = await measure(askOther);
    await ask({ command: 'endFlood' });
    rounds.push({ idle, busy });
  }
  return [
    row('get', 'GetProcess, p99', rounds, ({ get }) => get),
    row('echo', 'echo through cat, p99', rounds, ({ echo }) => echo),
  ];
}

/**
 * @typedef {object} Quantiles
 * @property {{ p50: number, p99: number }} get in milliseconds
 * @property {{ p50: number, p99: number }} echo in milliseconds
 */

/**
 * @param {Stage['ask']} ask
 * @returns {Promise<Quantiles>}
 */
async function measure(ask) {
  const { get, echo } = /** @type {Latencies} */ (
    await ask({ command: 'latencies', calls: CALLS })
  );
  return { get: quantiles(get), echo: quantiles(echo) };
}

/** @param {readonly number[]} values */
function quantiles(values) {
  return { p50: median(values), p99: quantile(values, 0.99) };
}

/**
 * Its numbers are the 99th percentiles, since they are what is compared.
 *
 * @param {string} id
 * @param {string} measure
 * @param {readonly { idle: Quantiles, busy: Quantiles }[]} rounds
 * @param {(quantiles: Quantiles) => { p99: number }} pick
 */
function row(id, measure, rounds, pick) {
  return makeRow(
    { id, measure, unit: 'ms', details: rounds },
    [
      { contender: 'runlet', rounds: rounds.map(({ idle }) => pick(idle).p99) },
      { contender: FLOODED, rounds: rounds.map(({ busy }) => pick(busy).p99) },
    ],
    FLOODED,
    { runlet: TARGET },
  );
}
