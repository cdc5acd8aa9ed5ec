// @ts-check

/** @import { Machine } from '../../bench/lib/machine.mjs' */
/** @import { Return } from './holdings.mjs' */
/** @import { Sample } from './sampler.mjs' */
/** @import { ScenarioResult, SizeName } from './scenario.mjs' */
/** @import { Tool } from './tools.mjs' */

/**
 * What a run came to: load/results/load.json has it.
 *
 * @typedef {object} LoadReport
 * @property {SizeName} size
 * @property {Machine} machine as it was before
 * @property {number} seconds in all
 * @property {Pick<Tool, 'name' | 'version'>[]} tools that were used
 * @property {{ scenario: string, what: string }[]} missing scenarios whose tool is not there
 * @property {{ scenario: string, message: string }[]} failures scenarios that were given up
 * @property {ScenarioResult[]} scenarios
 * @property {ServerRun[]} servers
 */

/**
 * A server that was loaded.
 *
 * @typedef {object} ServerRun
 * @property {string[]} flags beside those for its addresses and its files
 * @property {readonly Sample[]} samples
 * @property {Return} back what it held in the end
 */

/**
 * All that was not as it should be.
 *
 * @param {LoadReport} report
 * @returns {string[]} empty: the run passed
 */
export function faultsOfRun({ failures, scenarios, servers }) {
  return [
    ...failures.map(({ scenario, message }) => `${scenario}: ${message}`),
    ...scenarios.flatMap(({ name, calls, errors, expected }) => [
      ...errors.map((error) => `${name}: ${error}`),
      ...(calls === expected ? [] : [`${name}: ${calls} of ${expected}`]),
    ]),
    ...servers.flatMap(({ back }) =>
      back.faults.map((fault) => `not as before the load: ${fault}`),
    ),
  ];
}
