// @ts-check
import { loadRuns } from '../lib/h2load.mjs';

/** @import { Scenario, SizeName } from '../lib/scenario.mjs' */
/** @import { H2loadSize } from '../lib/h2load.mjs' */

/** @type {Record<SizeName, H2loadSize>} */
const SIZES = {
  smoke: { calls: 100, connections: 2, atOnce: 4, maxSeconds: 120 },
  full: { calls: 3_000, connections: 4, atOnce: 4, maxSeconds: 120 },
};

/** Of an answer: the events of a start, an exit and a closing are longer. */
const LEAST_BYTES = 64;

/** @type {readonly Scenario[]} */
export const H2LOAD_SCENARIOS = [
  {
    name: 'h2load-start-exit',
    tool: 'h2load',
    summary: 'Run of a program that exits at once, by a client that takes little of a processor',
    latencyOf: 'a Run, to the end of its stream',

    run: (context) =>
      loadRuns(context, ['/bin/true'], { ...SIZES[context.size], leastBytes: LEAST_BYTES }),
  },
];
