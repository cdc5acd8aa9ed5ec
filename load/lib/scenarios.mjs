// @ts-check
import { GHZ_SCENARIOS } from '../scenarios/ghz.mjs';
import { H2LOAD_SCENARIOS } from '../scenarios/h2load.mjs';
import { HOLDING_SCENARIOS } from '../scenarios/holding.mjs';
import { K6_SCENARIOS } from '../scenarios/k6.mjs';

/** @import { Scenario } from './scenario.mjs' */

/**
 * All loads, in the order in which they are run.
 *
 * @type {readonly Scenario[]}
 */
export const SCENARIOS = [
  ...GHZ_SCENARIOS,
  ...K6_SCENARIOS,
  ...H2LOAD_SCENARIOS,
  ...HOLDING_SCENARIOS,
];
