// @ts-check
import { runGhz } from '../lib/ghz.mjs';
import { withProcess } from '../lib/prepared.mjs';

/** @import { Context, Scenario, SizeName } from '../lib/scenario.mjs' */
/** @import { GhzSize } from '../lib/ghz.mjs' */

/** Longer than anything here takes. */
const IDLE = ['/bin/sleep', '1000000'];

/** @type {Record<string, Record<SizeName, GhzSize>>} */
const SIZES = {
  unary: sizes([200, 8], [20_000, 50]),
  'start-exit': sizes([100, 8], [3_000, 16]),
  sessions: sizes([200, 8], [10_000, 32]),
  'long-polls': sizes([40, 20], [2_000, 400]),
  replay: sizes([20, 4], [600, 32]),
  'large-output': sizes([4, 4], [48, 4]),
};

/** Bytes of output of the process that is replayed. */
const REPLAYED_BYTES = 256 * 1024;

/** @type {readonly Scenario[]} */
export const GHZ_SCENARIOS = [
  scenario('unary', 'GetServerInfo: what a call costs that does nothing', 'a call'),
  scenario('start-exit', 'Run of a program that exits at once', 'a Run, to the end of its stream'),
  scenario(
    'sessions',
    'CreateSession with an id of its own; the sessions expire a second later',
    'a call',
  ),
  {
    ...scenario(
      'long-polls',
      'ReadProcess of one process that prints nothing, with a wait of 1 s',
      'a poll, its wait of 1,000 ms included',
    ),
    run: (context) =>
      withProcess(context.server, { argv: IDLE }, (target) => load(context, 'long-polls', target)),
  },
  {
    ...scenario(
      'replay',
      'WatchProcess of one closed process, from its first event, with 256 KiB of output',
      'a watch, to the end of its stream',
    ),
    run: (context) =>
      withProcess(
        context.server,
        { argv: ['/usr/bin/head', '-c', `${REPLAYED_BYTES}`, '/dev/zero'], closed: true },
        (target) => load(context, 'replay', target),
      ),
  },
  scenario('large-output', 'Run of a program that prints 8 MiB', 'a Run, to the end of its stream'),
];

/**
 * @param {string} config
 * @param {string} summary
 * @param {string} latencyOf
 * @returns {Scenario}
 */
function scenario(config, summary, latencyOf) {
  const name = `ghz-${config}`;
  const run = (/** @type {Context} */ context) => load(context, config);
  return { name, tool: 'ghz', summary, latencyOf, run };
}

/**
 * @param {Context} context
 * @param {string} config
 * @param {object} [data]
 */
function load(context, config, data) {
  const size = SIZES[config]?.[context.size];
  if (size === undefined) throw new Error(`there is no size of ${config}`);
  return runGhz(context, config, size, data);
}

/**
 * @param {[calls: number, atOnce: number]} smoke
 * @param {[calls: number, atOnce: number]} full
 * @returns {Record<SizeName, GhzSize>}
 */
function sizes(smoke, full) {
  const size = ([calls = 0, atOnce = 0]) => ({ calls, atOnce, maxSeconds: 120 });
  return { smoke: size(smoke), full: size(full) };
}
