// @ts-check
import { runK6 } from '../lib/k6.mjs';

/** @import { K6Size } from '../lib/k6.mjs' */
/** @import { Scenario, SizeName } from '../lib/scenario.mjs' */

/** In any size; a machine that is busy may take ten times as long as one that is not. */
const MAX_SECONDS = 60;

/** @type {readonly Scenario[]} */
export const K6_SCENARIOS = [
  scenario(
    'start-exit',
    'a session, a process in it that prints and exits, its events, and the closing',
    ['from the start of a process to its closing', 'runlet_start_to_closed'],
    { smoke: { VUS: 2, ITERATIONS: 5 }, full: { VUS: 8, ITERATIONS: 60 } },
  ),
  scenario(
    'attached-sessions',
    'sessions with ids of their own, attached to, held, and closed',
    ['from the call to the first event', 'runlet_attach'],
    {
      smoke: { VUS: 2, ITERATIONS: 1, SESSIONS: 5, HOLD_MS: 500 },
      full: { VUS: 5, ITERATIONS: 1, SESSIONS: 60, HOLD_MS: 5_000 },
    },
  ),
  scenario(
    'watchers',
    'watchers of one process that prints a line every tenth of a second',
    ['from when the server has a line to when a watcher has it', 'runlet_lag'],
    {
      smoke: { VUS: 2, ITERATIONS: 1, WATCHERS: 5, LINES: 10 },
      full: { VUS: 10, ITERATIONS: 1, WATCHERS: 20, LINES: 40 },
    },
  ),
  scenario(
    'large-output',
    'a program that prints 2 MiB, by Run, and then by StartProcess and WatchProcess',
    ['from the call to the end of the stream', 'runlet_output'],
    { smoke: { VUS: 1, ITERATIONS: 1 }, full: { VUS: 2, ITERATIONS: 5 } },
  ),
  scenario(
    'stdin-echo',
    'a cat for each virtual user: WriteStdin with an offset, ReadProcess until it is back',
    ['from the write to the last byte', 'runlet_echo'],
    { smoke: { VUS: 2, ITERATIONS: 5 }, full: { VUS: 16, ITERATIONS: 100 } },
  ),
  scenario(
    'long-polls',
    'ReadProcess of processes that print nothing, with a wait of 1 s',
    ['how much longer than its wait a poll took', 'runlet_overrun'],
    {
      smoke: { VUS: 2, ITERATIONS: 1, POLLS: 5 },
      full: { VUS: 10, ITERATIONS: 4, POLLS: 20 },
    },
  ),
];

/**
 * @param {string} script
 * @param {string} summary
 * @param {[latencyOf: string, trend: string]} latency
 * @param {Record<SizeName, Record<string, number> & { VUS: number, ITERATIONS: number }>} sizes
 * @returns {Scenario}
 */
function scenario(script, summary, [latencyOf, trend], sizes) {
  return {
    name: `k6-${script}`,
    tool: 'k6',
    summary,
    latencyOf,
    run: (context) => {
      const size = /** @type {K6Size} */ ({ ...sizes[context.size], MAX_SECONDS });
      return runK6(context, script, size, trend);
    },
  };
}
