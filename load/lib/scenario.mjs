// @ts-check

/** @import { LoadedServer } from './server.mjs' */
/** @import { Latency } from './latency.mjs' */
/** @import { Tool, ToolName } from './tools.mjs' */

/** @typedef {'smoke' | 'full'} SizeName */

/**
 * A load: what it does, and with which tool.
 *
 * @typedef {object} Scenario
 * @property {string} name unique, in kebab-case
 * @property {ToolName} tool
 * @property {string} summary what it does, in a line
 * @property {string} latencyOf what its latencies are of
 * @property {(size: SizeName) => string[]} [ownServer] flags of a server that it has for itself.
 *   Default: it shares one with others
 * @property {(context: Context) => Promise<Outcome>} run loads the server, bounded in count
 *   and time; what it started is gone when it resolves
 */

/**
 * What a scenario is given.
 *
 * @typedef {object} Context
 * @property {LoadedServer} server
 * @property {Tool} tool
 * @property {SizeName} size
 * @property {string} folder for what its tool writes; exists, and is empty
 * @property {(what: string) => void} say tells of progress
 */

/**
 * What came of it.
 *
 * @typedef {object} Outcome
 * @property {number} calls that were answered, or streams that ended, as `latencyOf` says
 * @property {number} expected how many there should be
 * @property {number} seconds from the first to the end of the last
 * @property {string[]} errors kinds of them, each with how often; empty: there was none
 * @property {Latency | undefined} latency undefined: none was measured
 * @property {Record<string, number | string>} figures further numbers, by what they are of
 */

/**
 * What a server used meanwhile. Times are in seconds since its sampler began.
 *
 * @typedef {object} Window
 * @property {number} server its index among those of the run
 * @property {number} from
 * @property {number} to
 * @property {number} cpuSeconds that the server used
 * @property {number} peakMib most resident memory that was seen
 */

/**
 * A scenario that was run, with what its server used meanwhile.
 *
 * @typedef {Outcome & Pick<Scenario, 'name' | 'tool' | 'summary' | 'latencyOf'> & Window} ScenarioResult
 */

export {};
